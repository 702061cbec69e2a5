//! Pictures of this machine.

use gen404_generator::{GenerateError, Request, RequestError};
use gen404_round::PromptSet;

use crate::bench::{Bench, picture};

fn with_prompts(bench: &Bench, json: &str) -> Request {
    Request { prompts: PromptSet::parse(json.as_bytes()).unwrap().prompts, ..bench.request(1) }
}

#[tokio::test]
async fn pictures_of_this_machine_are_served_while_a_run_lasts() {
    let bench = Bench::new().await;
    let absolute = bench.folder.path().join("pictures/2.png");
    let json =
        format!(r#"{{"prompts":[{{"image_url":"1.png"}},{{"stem":"two","image_url":"{}"}}]}}"#, absolute.display());
    let request = with_prompts(&bench, &json);
    let (summary, log) = bench.run(&request).await;
    assert!(summary.is_complete(), "{}", log.all());
    assert!(bench.files().keys().eq(["1.js", "two.js"]));

    // The same picture is the same prompt, another one is not.
    assert_eq!(bench.run(&request).await.0.kept.len(), 2);
    std::fs::write(&absolute, picture(5)).unwrap();
    let (summary, _) = bench.run(&request).await;
    assert_eq!((summary.kept.len(), summary.generated.len()), (1, 1));
}

#[tokio::test]
async fn a_generator_elsewhere_cannot_have_them() {
    let bench = Bench::new().await;
    let json = r#"{"prompts":[{"image_url":"1.png"}]}"#;
    let request = Request { endpoint: "https://pod.example.com".parse().unwrap(), ..with_prompts(&bench, json) };
    let error = bench.refuse(&request).await;
    assert!(matches!(error, GenerateError::Request(RequestError::OutOfReach { number: 1, .. })), "{error}");
    let missing = with_prompts(&bench, r#"{"prompts":[{"image_url":"none.png"}]}"#);
    let error = bench.refuse(&missing).await;
    assert!(matches!(error, GenerateError::Request(RequestError::Picture { number: 1, .. })), "{error}");
}
