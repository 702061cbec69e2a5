//! The CDN folder: what is in it can be had, what is not cannot.

use gen404_sandbox::cdn::Cdn;
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
