//! The CDN folder: what is in it can be had, what is not cannot.

use gen404_sandbox::cdn::{Cdn, Fault};
use gen404_sandbox::faults::Rule;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Sends a path as it is; a client would tidy it up first.
async fn get_raw(cdn: &Cdn, path: &str) -> String {
    let address = (cdn.url().host_str().unwrap(), cdn.url().port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: cdn\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn files_and_bare_folders_answer_get_and_head() {
    crate::generator::install_tls();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("round")).unwrap();
    std::fs::write(folder.path().join("round/lamp.js"), "export default").unwrap();
    let cdn = Cdn::start(folder.path()).await.unwrap();
    let client = reqwest::Client::new();

    let file = cdn.url().join("round/lamp.js").unwrap();
    let got = client.get(file.clone()).send().await.unwrap();
    assert_eq!(got.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(got.text().await.unwrap(), "export default");
    let head = client.head(file).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &"14".parse().unwrap()));

    for (path, status) in [("", 200), ("round", 200), ("round/", 200), ("nothing.js", 404), ("round/lamp.js/x", 404)] {
        let url = cdn.url().join(path).unwrap();
        assert_eq!(client.head(url).send().await.unwrap().status().as_u16(), status, "{path}");
    }
    let post = client.post(cdn.url().clone()).send().await.unwrap();
    assert_eq!(post.status().as_u16(), 405);
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let around = tempfile::tempdir().unwrap();
    std::fs::write(around.path().join("secret"), "SECRET").unwrap();
    let inside = around.path().join("cdn");
    std::fs::create_dir(&inside).unwrap();
    std::os::unix::fs::symlink(around.path().join("secret"), inside.join("link")).unwrap();
    let cdn = Cdn::start(&inside).await.unwrap();
    let absolute = around.path().join("secret").display().to_string();
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/x/../../secret",
        "/link",
        "//etc/passwd",
        &format!("/{absolute}"),
    ] {
        let answer = get_raw(&cdn, path).await;
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("SECRET"), "{path}: {answer}");
    }
}

/// The habits of the networks that miners use, switched on the way a person does it.
#[tokio::test]
async fn habits_can_be_switched_on() {
    crate::generator::install_tls();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lamp.js"), "export default").unwrap();
    let cdn = Cdn::start(folder.path()).await.unwrap();
    let named = reqwest::Client::builder().user_agent("somebody/1").build().unwrap();
    let nameless = reqwest::Client::new();
    let control = cdn.url().join("sandbox/faults").unwrap();
    let (prefix, file) = (cdn.url().clone(), cdn.url().join("lamp.js").unwrap());

    for (fault, head_of_prefix, head_of_file, get_of_file, get_without_name) in [
        (r#"{"fault":"challenge"}"#, 403, 403, 403, 403),
        (r#"{"fault":{"head_refused":{"status":403}}}"#, 403, 403, 200, 200),
        (r#"{"fault":{"head_refused":{"status":405}}}"#, 405, 405, 200, 200),
        (r#"{"fault":{"prefix_refused":{"status":404}}}"#, 404, 200, 200, 200),
        (r#"{"fault":"strangers_refused"}"#, 200, 200, 200, 403),
    ] {
        let body = format!(r#"{{"faults":[{fault}]}}"#);
        let set = nameless.put(control.clone()).body(body).send().await.unwrap();
        assert_eq!(set.status().as_u16(), 200, "{fault}");
        let mut statuses = Vec::new();
        for request in
            [named.head(prefix.clone()), named.head(file.clone()), named.get(file.clone()), nameless.get(file.clone())]
        {
            let answer = request.send().await.unwrap();
            let challenged = answer.headers().get("cf-mitigated").is_some_and(|value| value == "challenge");
            assert_eq!(challenged, fault.contains("challenge"));
            statuses.push(answer.status().as_u16());
        }
        assert_eq!(statuses, [head_of_prefix, head_of_file, get_of_file, get_without_name], "{fault}");
    }

    cdn.faults().set([Rule::times(Fault::RateLimited { retry_after: "7".to_owned() }, 1)]);
    let limited = named.get(file.clone()).send().await.unwrap();
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(named.get(file).send().await.unwrap().status().as_u16(), 200, "it wears off");
    assert_eq!(cdn.requests().last().unwrap().user_agent, "somebody/1");

    let refused = nameless.put(control).body(r#"{"faults":[{"fault":"unheard_of"}]}"#).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 400);
}
