//! `upload` as a user runs it: what is delivered, what is left alone, and what is said when it cannot be.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use gen404_sandbox::cdn::{self, Cdn};
use gen404_sandbox::faults::Rule;
use gen404_sandbox::storage::{Fault, Storage};
use gen404_testing::Nobody;
use serde_json::{Value, json};

use crate::binary::Home;
use crate::miner::Ended;

pub(crate) const GOOD: &str = "export default function generate(THREE) { return new THREE.Group(); }\n";
const BAD: &str = "export default function generate(THREE) { fetch('x'); return new THREE.Group(); }\n";

/// A storage, the CDN in front of it, and a home with a folder of modules.
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) storage: Storage,
    cdn: Cdn,
}

impl Place {
    /// With these modules in the folder `out`.
    pub(crate) async fn with(modules: &[&str]) -> Self {
        let home = Home::new();
        let bucket = home.path().join("buckets/cdn");
        fs::create_dir_all(&bucket).expect("made");
        fs::create_dir_all(home.path().join("out")).expect("made");
        let storage = Storage::start(&bucket).await.expect("a storage");
        let cdn = Cdn::start(&bucket).await.expect("a CDN");
        let place = Self { home, storage, cdn };
        for stem in modules {
            place.write(stem, &format!("{GOOD}// {stem}\n"));
        }
        place
    }

    pub(crate) fn write(&self, stem: &str, text: &str) {
        fs::write(self.home.path().join(format!("out/{stem}.js")), text).expect("written");
    }

    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        let access = self.storage.access();
        [
            ("AWS_ACCESS_KEY_ID", access.access_key_id.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", access.secret_access_key.to_owned()),
            ("AWS_ENDPOINT_URL", access.endpoint_url),
        ]
    }

    /// Uploads to `s3://cdn/17` with these options and changes of the environment.
    fn run(&self, options: &[&str], changes: &[(&str, &str)]) -> Ended {
        let to: &[&str] =
            if options.contains(&"--to") || options.contains(&"--copy-to") { &[] } else { &["--to", "s3://cdn/17"] };
        let mut command = self.home.command(&[&["upload", "--data-dir", "out"], to, options].concat());
        command.envs(self.variables()).envs(changes.iter().copied());
        let ended = Ended(command.output().expect("it runs"));
        assert!(!ended.transcript().contains(self.storage.access().secret_access_key), "{}", ended.transcript());
        ended
    }

    fn public(&self) -> String {
        format!("{}17", self.cdn.url())
    }

    pub(crate) fn object(&self, stem: &str) -> PathBuf {
        self.home.path().join(format!("buckets/cdn/17/{stem}.js"))
    }

    fn modified(&self, stem: &str) -> SystemTime {
        fs::metadata(self.object(stem)).expect("there").modified().expect("a time")
    }

    fn puts(&self) -> usize {
        let requests = self.storage.requests();
        requests.iter().filter(|seen| seen.method == "PUT" && !seen.path.contains("probe")).count()
    }
}

fn counts(json: &Value) -> [&Value; 5] {
    ["modules", "uploaded", "replaced", "unchanged", "read_back"].map(|key| &json[key])
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_delivered_read_back_and_left_alone_from_then_on() {
    let place = Place::with(&["a", "b-1", "c"]).await;
    let public = place.public();
    let ended = place.run(&["--public-url", &public], &[]);
    let json = ended.success();
    assert_eq!(counts(&json), [&json!(3), &json!(3), &json!(0), &json!(0), &json!(3)]);
    let bytes = GOOD.len() + "// a\n".len();
    let first = json!({"stem": "a", "key": "17/a.js", "bytes": bytes, "outcome": "uploaded", "public": "same"});
    assert_eq!((&json["files"][0], &json["to"]), (&first, &json!("s3://cdn/17")));
    assert_eq!(fs::read_to_string(place.object("a")).expect("there"), format!("{GOOD}// a\n"));
    assert!(ended.stderr().contains("with the keys of AWS_ACCESS_KEY_ID"), "{}", ended.transcript());

    let before = place.modified("a");
    place.write("c", GOOD);
    let json = place.run(&["--public-url", &public], &[]).success();
    assert_eq!(counts(&json), [&json!(3), &json!(0), &json!(1), &json!(2), &json!(3)]);
    assert_eq!((place.puts(), place.modified("a")), (4, before));

    let json = place.run(&["--dry-run"], &[]).success();
    assert_eq!(
        (counts(&json), &json["dry_run"]),
        ([&json!(3), &json!(0), &json!(0), &json!(3), &Value::Null], &json!(true))
    );
    assert_eq!(place.puts(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_subnet_would_refuse_is_not_delivered_unasked() {
    let place = Place::with(&["a"]).await;
    place.write("bad", BAD);
    let ended = place.run(&[], &[]);
    let said = ended.failure(1);
    assert!(
        said.starts_with("nothing is delivered: the subnet would refuse 1 of 2 modules, the first: bad: "),
        "{said}"
    );
    assert!(ended.json()["refused"]["bad"].as_str().is_some_and(|why| why.contains("fetch")), "{}", ended.transcript());
    assert!(place.storage.requests().is_empty());
    assert_eq!(place.run(&["--deliver-refused"], &[]).success()["uploaded"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_modules_are_refused_before_anything_is_sent() {
    let place = Place::with(&["a"]).await;
    let cases: [(&str, &[u8], &str); 3] = [
        (".hidden.txt", b"", ""),
        ("a b.js", b"x", "is not called as a prompt's module is"),
        ("big.js", &vec![b' '; (1 << 20) + 1], "the subnet takes no more of a module"),
    ];
    for (name, bytes, said) in cases {
        let path = place.home.path().join("out").join(name);
        fs::write(&path, bytes).expect("written");
        if !said.is_empty() {
            let sentence = place.run(&[], &[]).failure(2);
            assert!(sentence.contains(said), "{sentence}");
        }
        fs::remove_file(path).expect("removed");
    }
    assert!(place.run(&["--data-dir", "nowhere"], &[]).0.status.code() == Some(2));
    fs::remove_file(place.home.path().join("out/a.js")).expect("removed");
    assert!(place.run(&[], &[]).failure(2).contains("has no file that ends in .js"));
    assert!(place.storage.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_has_its_words_and_its_exit_code() {
    let place = Place::with(&["a"]).await;
    let wrong = |changes: &[(&str, &str)], code: i32| {
        let ended = place.run(&[], changes);
        (ended.failure(code), ended.json()["hint"].as_str().unwrap_or_default().to_owned())
    };
    let (said, hint) = wrong(&[("AWS_SECRET_ACCESS_KEY", "another-secret")], 2);
    assert!(said.starts_with("the secret key does not belong") && hint.contains("copy both parts"), "{said}; {hint}");
    let (said, hint) = wrong(&[("AWS_REGION", "eu-west-1")], 2);
    assert_eq!(said, "the bucket `cdn` is not in the region eu-west-1, but in us-east-1");
    assert_eq!(hint, "give --region us-east-1 (or AWS_REGION)");
    let (said, _) = wrong(&[("AWS_ACCESS_KEY_ID", "")], 2);
    assert_eq!(said, "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not");
    let (said, _) = wrong(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")], 2);
    assert!(said.starts_with("no keys for the storage"), "{said}");
    assert!(place.run(&["--to", "s3://other"], &[]).failure(2).starts_with("there is no bucket `other`"));

    for (fault, code, said) in [
        (Fault::ClockOff { seconds: -7_200 }, 2, "this machine's clock is 2 h ahead of the storage's"),
        (Fault::NoSpace, 3, "the storage has no space left for 17/.404-cli-probe"),
        (
            Fault::SlowDown { retry_after: Some("3600".to_owned()) },
            3,
            "the storage is busy (503), and asks to wait 3600 s",
        ),
    ] {
        place.storage.faults().set([fault]);
        let sentence = place.run(&[], &[]).failure(code);
        assert!(sentence.starts_with(said), "{sentence}");
    }
    place.storage.faults().clear();
    let address = |path: &str| format!("{}/{path}", place.storage.access().endpoint_url.trim_end_matches('/'));
    let ended = place.run(&["--endpoint-url", &address("cdn/")], &[]);
    assert!(
        ended.failure(2).ends_with("ends with the bucket's name, which --to says already"),
        "{}",
        ended.transcript()
    );
    let ended = place.run(&["--endpoint-url", place.cdn.url().as_str()], &[]);
    assert!(ended.failure(2).contains("answers 405 in other words than S3's"), "{}", ended.transcript());
    assert!(place.run(&["--region", "eu west/1"], &[]).failure(2).starts_with("no region is called"));
    let nobody = Nobody::here();
    let ended = place.run(&["--endpoint-url", &format!("http://{}", nobody.address())], &[]);
    assert!(ended.failure(3).ends_with("Connection refused (os error 111)"), "{}", ended.transcript());
    assert!(
        ended.json()["hint"].as_str().is_some_and(|hint| hint.contains("--endpoint-url")),
        "{}",
        ended.transcript()
    );
    assert!(!ended.stderr().contains("again in"), "{}", ended.transcript());
    // In the middle of it, what is done is told.
    place.write("b", GOOD);
    place.storage.faults().set([Rule { skip: 2, ..Fault::NoSpace.into() }]);
    let ended = place.run(&["--concurrency", "1"], &[]);
    assert!(ended.failure(3).ends_with("(after 1 of 2 modules)"), "{}", ended.transcript());
    assert_eq!(ended.json()["files"][0]["outcome"], "uploaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_public_cannot_read_is_a_no() {
    let place = Place::with(&["a", "b"]).await;
    let elsewhere = format!("{}18", place.cdn.url());
    let ended = place.run(&["--public-url", &elsewhere], &[]);
    let said = format!("2 of 2 modules cannot be read back from {elsewhere}, the first: a.js: HTTP 404");
    assert_eq!(ended.failure(1), said);
    assert!(ended.stderr().contains("does --public-url lead to the place"), "{}", ended.transcript());
    assert_eq!((&ended.json()["read_back"], &ended.json()["files"][1]["public"]), (&json!(0), &json!("unreadable")));
    place.cdn.faults().set([cdn::Fault::Challenge]);
    let ended = place.run(&["--public-url", &place.public()], &[]);
    assert!(ended.failure(1).ends_with("HTTP 403, a Cloudflare challenge"), "{}", ended.transcript());
    assert_eq!(ended.json()["unchanged"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_without_a_module_are_named_and_the_others_delivered() {
    let place = Place::with(&["a", "b", "extra"]).await;
    fs::write(place.home.path().join("prompts.txt"), "https://h/a.png\nhttps://h/b.png\nhttps://h/c.png")
        .expect("written");
    let ended = place.run(&["--prompts-json", "prompts.txt"], &[]);
    assert_eq!(ended.failure(1), "1 prompts have no module: c");
    assert_eq!((&ended.json()["uploaded"], &ended.json()["missing"]), (&json!(3), &json!(["c"])));
    assert!(
        ended.stderr().contains("not among the prompts, and delivered all the same: extra"),
        "{}",
        ended.transcript()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_gets_whole_files_and_keeps_the_time_of_equal_ones() {
    let place = Place::with(&["a", "b"]).await;
    let public = place.public();
    let options = ["--copy-to", "buckets/cdn/17", "--public-url", &public];
    let json = place.run(&options, &[]).success();
    assert_eq!(counts(&json), [&json!(2), &json!(2), &json!(0), &json!(0), &json!(2)]);
    let before = place.modified("a");
    place.write("b", GOOD);
    let json = place.run(&options, &[]).success();
    assert_eq!(counts(&json), [&json!(2), &json!(0), &json!(1), &json!(1), &json!(2)]);
    assert_eq!((place.modified("a"), place.puts()), (before, 0));
    let names = fs::read_dir(place.home.path().join("buckets/cdn/17")).expect("listed").count();
    assert_eq!(names, 2, "nothing else is left");
    fs::create_dir(place.home.path().join("buckets/cdn/17/c.js")).expect("made");
    place.write("c", GOOD);
    assert!(place.run(&options, &[]).failure(1).contains("something else than a file is there"));
    let neither = Ended(place.home.run(&["upload", "--data-dir", "out"]));
    assert!(neither.failure(2).contains("where to is not said"));
    assert!(place.run(&["--to", "s3://cdn/17", "--copy-to", "x"], &[]).0.status.code() == Some(2));
}

/// As the account's owner has it on disk, and without any variable.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_names_keys_region_and_address() {
    let place = Place::with(&["a"]).await;
    let access = place.storage.access();
    let config = place.home.path().join(".aws");
    fs::create_dir(&config).expect("made");
    let keys = format!(
        "[r2]\naws_access_key_id={}\naws_secret_access_key={}\n",
        access.access_key_id, access.secret_access_key
    );
    fs::write(config.join("credentials"), keys).expect("written");
    let settings = format!("[profile r2]\nregion = us-east-1\nendpoint_url = {}\n", access.endpoint_url);
    fs::write(config.join("config"), settings).expect("written");
    let mut command = place.home.command(&["upload", "--data-dir", "out", "--to", "s3://cdn"]);
    let ended = Ended(command.env("AWS_PROFILE", "r2").output().expect("it runs"));
    assert_eq!(ended.success()["uploaded"], 1);
    assert!(ended.stderr().contains("with the keys of profile r2"), "{}", ended.transcript());
    fs::write(config.join("config"), "[profile other]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = r2\n")
        .expect("written");
    let ended = Ended(command.env("AWS_PROFILE", "other").output().expect("it runs"));
    assert!(ended.failure(2).contains("assumes a role (role_arn), which is not supported"), "{}", ended.transcript());
    assert!(ended.json()["hint"].to_string().contains("credential_process"), "{}", ended.transcript());
}
