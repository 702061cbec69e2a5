//! The sample generator: the batch API's contract, the modules it makes, and its faults.

use std::collections::HashSet;
use std::path::Path;

use gen404_sandbox::cdn::Cdn;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::generator::faults::{Fault, entries};
use gen404_sandbox::generator::{Options, Quality, SampleGenerator};
use gen404_sandbox::pictures::PICTURES;
use serde_json::{Value, json};

pub(crate) fn install_tls() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

struct Bench {
    generator: SampleGenerator,
    cdn: Cdn,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// A generator and the first pictures on a CDN.
    async fn new(quality: Quality) -> Self {
        install_tls();
        let folder = tempfile::tempdir().unwrap();
        for picture in &PICTURES[..3] {
            std::fs::write(folder.path().join(picture.file_name()), picture.png()).unwrap();
        }
        std::fs::write(folder.path().join("text.png"), "no picture").unwrap();
        let cdn = Cdn::start(Path::new(folder.path())).await.unwrap();
        let generator = SampleGenerator::start(Options { quality, ..Options::default() }).await.unwrap();
        Self { generator, cdn, client: reqwest::Client::new(), _folder: folder }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.generator.url().join(path).unwrap()).send().await.unwrap()
    }

    async fn generate(&self, stems: &[&str], seed: u64) -> (u16, Value) {
        let prompts: Vec<_> = stems
            .iter()
            .map(|stem| json!({"stem": stem, "image_url": self.cdn.url().join(&format!("{stem}.png")).unwrap()}))
            .collect();
        self.post(&json!({"prompts": prompts, "seed": seed})).await
    }

    async fn post(&self, body: &Value) -> (u16, Value) {
        let url = self.generator.url().join("generate").unwrap();
        let reply = self.client.post(url).json(body).send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    }

    async fn status(&self) -> Value {
        self.get("status?replacements_remaining=2").await.json().await.unwrap()
    }

    async fn complete(&self) {
        while self.status().await["status"] != "complete" {
            tokio::task::yield_now().await;
        }
    }

    async fn results(&self) -> Vec<(String, Vec<u8>)> {
        self.complete().await;
        entries(&self.get("results").await.bytes().await.unwrap())
    }
}

#[tokio::test]
async fn the_batch_api_keeps_its_contract() {
    let bench = Bench::new(Quality::Fine).await;
    assert_eq!(bench.get("health").await.status().as_u16(), 200);
    assert_eq!(bench.status().await, json!({"status": "ready"}));
    let early = bench.get("results").await;
    assert_eq!(early.status().as_u16(), 409);
    assert_eq!(early.json::<Value>().await.unwrap()["current_status"], "ready");

    for body in [
        json!({}),
        json!({"prompts": [], "seed": 1}),
        json!({"prompts": [{"stem": "A-b", "image_url": "http://h/"}], "seed": 1}),
    ] {
        assert_eq!(bench.post(&body).await.0, 422, "{body}");
    }
    assert_eq!(bench.generate(&["lamp", "vase"], 7).await, (200, json!({"accepted": 2})));
    assert_eq!(bench.generate(&["vase", "lamp"], 8).await, (200, json!({"accepted": 2})));
    bench.complete().await;
    assert_eq!(bench.status().await, json!({"status": "complete", "progress": 2, "total": 2}));

    let archive = bench.get("results").await;
    assert!(archive.headers().get("content-length").is_none());
    assert_eq!(archive.headers()["transfer-encoding"], "chunked");
    assert_eq!(archive.bytes().await.unwrap(), bench.get("results").await.bytes().await.unwrap());
    let names: Vec<_> = bench.results().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["lamp.js", "vase.js"]);
}

#[tokio::test]
async fn modules_are_repeatable_and_differ_by_prompt_seed_and_quality() {
    let (fine, coarse) = (Bench::new(Quality::Fine).await, Bench::new(Quality::Coarse).await);
    let mut seen = HashSet::new();
    for (bench, seed) in [(&fine, 7), (&fine, 8), (&coarse, 7)] {
        bench.generate(&["lamp", "vase", "chair"], seed).await;
        let first = bench.results().await;
        bench.generate(&["lamp"], seed).await;
        assert_eq!(bench.results().await[0], first[0]);
        seen.extend(first.into_iter().map(|(_, module)| module));
    }
    assert_eq!(seen.len(), 9);
    assert!(seen.iter().all(|module| module.len() < 50_000));
}

#[tokio::test]
async fn what_cannot_be_made_is_reported_as_failed() {
    let bench = Bench::new(Quality::Fine).await;
    bench.generate(&["lamp", "text", "nothing"], 7).await;
    let results = bench.results().await;
    assert_eq!(results.len(), 2);
    let failed: Value = serde_json::from_slice(&results[1].1).unwrap();
    assert_eq!(results[1].0, "_failed.json");
    assert!(failed["text"].as_str().unwrap().contains("not a PNG"), "{failed}");
    assert!(failed["nothing"].as_str().unwrap().contains("404"), "{failed}");
}

#[tokio::test]
async fn faults_are_switched_on_and_off_at_run_time() {
    let bench = Bench::new(Quality::Coarse).await;
    let control = bench.generator.url().join("sandbox/faults").unwrap();
    let on = json!({"fault": "server_errors", "times": 2});
    bench.client.post(control.clone()).json(&on).send().await.unwrap();
    assert_eq!(bench.generator.faults().pending().len(), 1);
    assert_eq!(bench.get("health").await.status().as_u16(), 503);
    assert_eq!(bench.get("status").await.status().as_u16(), 503);
    assert_eq!(bench.get("status").await.status().as_u16(), 200);

    bench.generator.faults().add(Fault::Replace);
    assert_eq!(bench.status().await["status"], "replace");
    bench.client.delete(control).send().await.unwrap();
    assert_eq!(bench.status().await["status"], "ready");

    bench.generator.faults().add(Rule::times(Fault::LostReply, 1));
    let url = bench.generator.url().join("generate").unwrap();
    let order =
        json!({"prompts": [{"stem": "lamp", "image_url": bench.cdn.url().join("lamp.png").unwrap()}], "seed": 1});
    let lost = async { bench.client.post(url).json(&order).send().await?.bytes().await };
    assert!(lost.await.is_err());
    assert_eq!(bench.results().await[0].0, "lamp.js");

    bench.generator.faults().add(Rule::times(Fault::CutDownload, 1));
    let url = bench.generator.url().join("results").unwrap();
    let cut = async { bench.client.get(url).send().await?.bytes().await };
    assert!(cut.await.is_err());
    assert!(bench.get("results").await.bytes().await.is_ok());
}

#[tokio::test]
async fn habits_of_real_generators_can_be_switched_on() {
    let bench = Bench::new(Quality::Coarse).await;
    let faults = bench.generator.faults();
    let post = async |body: &Value| {
        let url = bench.generator.url().join("generate").unwrap();
        let reply = bench.client.post(url).json(body).send().await.unwrap();
        (reply.status().as_u16(), reply.headers().clone(), reply.text().await.unwrap())
    };
    let order = json!({"prompts": [{"stem": "lamp", "image_url": "http://h/"}], "seed": 1});
    let strange = json!({"prompts": [{"stem": "a-b", "image_url": "http://h/"}], "seed": 1});
    let (status, _, body) = post(&strange).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["detail"][0]["loc"]), (422, &json!(["body", "prompts", 0, "stem"])));

    faults.add(Rule::times(Fault::SilentRefusal, 1));
    let (status, _, body) = post(&strange).await;
    assert_eq!((status, body.as_str()), (422, ""));
    faults.add(Rule::times(Fault::NestedBusy, 1));
    let (status, _, body) = post(&order).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["detail"]["current_status"]), (409, &json!("generating")));
    faults.add(Rule::times(Fault::TextBusy, 1));
    let (status, _, body) = post(&order).await;
    assert!(status == 409 && serde_json::from_str::<Value>(&body).is_err(), "{body}");
    faults.add(Rule::times(Fault::RateLimited, 1));
    let (status, headers, _) = post(&order).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (429, "1"));
    assert_eq!(bench.status().await["status"], "ready", "none of them began anything");

    faults.add(Rule::times(Fault::SlowReply, 1));
    assert_eq!(bench.generate(&["lamp", "vase"], 7).await, (200, json!({"accepted": 2})));
    assert_eq!(bench.status().await["status"], "complete", "the answer came when all was made");
    assert_eq!(bench.generator.orders(), 6);
}
