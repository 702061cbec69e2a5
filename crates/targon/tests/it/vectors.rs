//! Our requests against those that official clients sent: every field of every body, for both types.

use gen404_targon::{EnvironmentVariable, PodKind, PodSpecification, RegistryLogin, WorkloadType, create_body};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../data/official-requests.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

/// The body that a client sent under a label.
fn official(client: &str, label: &str) -> Value {
    let found = vectors().into_iter().find(|vector| {
        vector["sdk"].as_str().unwrap().starts_with(client)
            && vector["label"] == label
            && vector["step"] == 0
            && vector["method"] == "POST"
    });
    found.unwrap_or_else(|| panic!("{client}: {label}"))["body"].clone()
}

fn ours(pod: &PodSpecification, workload_type: WorkloadType) -> Value {
    serde_json::from_slice(&create_body(pod, workload_type)).unwrap()
}

fn pod(kind: PodKind, image: &str, resource: &str, arguments: &[&str]) -> PodSpecification {
    PodSpecification {
        image: image.parse().unwrap(),
        resource: resource.parse().unwrap(),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        ..kind.specification(Some(image.parse().unwrap())).unwrap()
    }
}

fn with_secrets(mut pod: PodSpecification, variable: (&str, &str)) -> PodSpecification {
    pod.environment = vec![EnvironmentVariable { name: variable.0.to_owned(), value: variable.1.into() }];
    pod.registry = Some(RegistryLogin::parse("u:p", &pod.image).unwrap());
    pod
}

#[test]
fn rental_bodies_are_those_of_the_current_clients() {
    let judge = pod(PodKind::Judge, "vllm/vllm-openai:v0.20.0", "h200-small", &["m", "--port", "8000"]);
    let body = ours(&with_secrets(judge, ("HF_TOKEN", "x")), WorkloadType::Rental);
    assert_eq!(body, official("targon-sdk git HEAD", "create"));
    assert_eq!(body, official("targon-cli 2.1.2", "rental deploy"));
}

#[test]
fn serverless_bodies_are_those_of_the_released_client() {
    let serverless = |pod: &PodSpecification| ours(pod, WorkloadType::Serverless);
    let sdk = "targon-sdk 1.0.0";
    let arguments = ["zai-org/GLM-4.6V-Flash", "--port", "8000"];
    let judge = pod(PodKind::Judge, "vllm/vllm-openai:v0.20.0", "rtx6000b-small", &arguments);
    assert_eq!(serverless(&judge), official(sdk, "deploy judge (args)"));
    let render = pod(PodKind::Renderer, "example.com/render:1", "cpu-small", &[]);
    assert_eq!(serverless(&render), official(sdk, "deploy render (no args)"));
    let mut generator =
        with_secrets(pod(PodKind::Generator, "example.com/gen:1", "h200-large", &[]), ("HF_TOKEN", "hf_x"));
    generator.registry.as_mut().unwrap().server = "https://index.docker.io/v1/".to_owned();
    generator.concurrency = 2;
    assert_eq!(serverless(&generator), official(sdk, "deploy generator (env + registry_auth)"));
}

/// The requests of a whole life are method, path, query and headers that official clients send, too.
#[tokio::test]
async fn every_request_of_a_life_is_one_that_official_clients_make() {
    let ready = crate::ready::Ready::new(gen404_sandbox::targon::Options::default()).await;
    let started = ready.start(&crate::ready::order()).await.unwrap();
    ready.client.logs(&started.pod.uid, 50).await.unwrap();
    drop(ready.client.follow_logs(&started.pod.uid).await.unwrap());
    ready.client.give_back(&started.pod.uid).await.unwrap();
    let shape = |method: &str, path: &str, query: Vec<String>| {
        let path = path.split('/').map(|part| if part.starts_with("wrk-") { "{uid}" } else { part });
        (method.to_owned(), path.collect::<Vec<_>>().join("/"), query)
    };
    let official: Vec<_> = vectors()
        .iter()
        .map(|vector| {
            let names = vector["query"].as_object().unwrap().keys().cloned().collect();
            shape(vector["method"].as_str().unwrap(), vector["path"].as_str().unwrap(), names)
        })
        .collect();
    for call in ready.fake.calls() {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let mut names: Vec<String> =
            url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into()).collect();
        names.sort();
        let (method, path, names) = shape(&call.method, path, names);
        let known = official.iter().filter(|(one, other, _)| *one == method && *other == path).collect::<Vec<_>>();
        // Nobody recorded a look-up of a workload that exists; it is the path of the deletion.
        assert!(!known.is_empty() || path.ends_with("/workloads/{uid}"), "{method} {path}");
        for name in names {
            let sent = known.iter().any(|(_, _, names)| names.contains(&name));
            assert!(sent, "{method} {path}?{name}");
        }
        let accept = if path.ends_with("/logs") { "text/plain" } else { "application/json" };
        assert_eq!(call.headers["accept"], accept, "{path}");
        assert_eq!(call.headers.contains_key("content-type"), !call.body.is_empty(), "{path}");
    }
}
