//! Keys, buckets, regions and clocks that are wrong: found before the first module, and told apart.

use gen404_outside::explain::Explain as _;
use gen404_round::check::Outcome;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::storage::Fault;
use gen404_testing::{Nobody, UntrustedHost};

use gen404_storage::{Bucket, Credentials, Endpoint, Profile, checks};

use crate::world::World;

async fn refused(world: &World, keys: &[(&str, &str)], region: Option<&str>) -> String {
    let bucket = world.bucket(keys, region).await;
    let said = world.failure(&bucket).await;
    assert_eq!((world.puts(), world.listed()), (0, Vec::new()), "nothing was tried: {said}");
    said
}

#[tokio::test]
async fn wrong_keys_are_told_apart() {
    let world = World::with(2).await;
    let said = refused(&world, &[("AWS_ACCESS_KEY_ID", "AKIAOTHER")], None).await;
    assert!(said.starts_with("the storage does not know the access key (from AWS_ACCESS_KEY_ID)"), "{said}");
    let said = refused(&world, &[("AWS_SECRET_ACCESS_KEY", "other")], None).await;
    assert!(said.starts_with("the secret key does not belong to the access key"), "{said}");
    world.storage.faults().set([Rule::from(Fault::Denied).on("PUT")]);
    let said = refused(&world, &[], None).await;
    assert!(said.starts_with("the key may not write 17/.404-cli-probe"), "{said}");
}

#[tokio::test]
async fn a_wrong_bucket_or_region_is_named() {
    let mut world = World::with(2).await;
    let said = refused(&world, &[], Some("eu-west-1")).await;
    assert_eq!(said, "the bucket `cdn` is not in the region eu-west-1, but in us-east-1");
    world.location = "s3://other/17".parse().expect("a location");
    let said = refused(&world, &[], None).await;
    assert!(said.starts_with("there is no bucket `other` at http://127.0.0.1:"), "{said}");
    world.dry_run = true;
    assert_eq!(refused(&world, &[], None).await, said, "a rehearsal finds it, too");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_how_much() {
    let world = World::with(2).await;
    world.fault(Fault::ClockOff { seconds: 3_600 });
    let said = refused(&world, &[], None).await;
    assert_eq!(said, "this machine's clock is 60 min behind the storage's, too far for a signature");
}

#[tokio::test]
async fn a_probe_that_cannot_be_taken_away_is_told_and_no_more() {
    let world = World::with(2).await;
    world.storage.faults().set([Rule::from(Fault::Denied).on("DELETE")]);
    let (delivered, outcome, told) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!(delivered.len(), 2);
    assert!(told[0].starts_with("17/.404-cli-probe left: the key may not delete"), "{told:?}");
}

async fn at(world: &World, address: &str) -> Bucket {
    let address = address.parse().expect("a URL");
    let credentials = Credentials::find(&world.environment(&[]), &Profile::default(), false).await.expect("keys");
    Bucket::new(Endpoint::new(Some(address), None), "cdn", credentials, None).expect("a client")
}

/// Nobody waits for an address that is wrong: the first question ends it, and the hint names where the address comes from.
#[tokio::test]
async fn a_storage_that_is_not_there_is_told_at_once() {
    let world = World::with(1).await;
    let (nobody, untrusted) = (Nobody::here(), UntrustedHost::here());
    for (address, begins) in [
        (
            format!("http://me:s3cret@{}/?key=s3cret", nobody.address()),
            format!("cannot reach http://{}: Connection refused", nobody.address()),
        ),
        (untrusted.url(), format!("cannot reach {}: its certificate ", untrusted.url())),
        (
            "http://no-such-host.invalid".to_owned(),
            "cannot reach http://no-such-host.invalid: its host name ".to_owned(),
        ),
    ] {
        let (_, outcome, told) = world.upload_to(&at(&world, &address).await).await;
        let error = outcome.expect_err("nobody is there");
        assert!(error.to_string().starts_with(&begins), "{error}");
        assert_eq!(told, [""; 0], "nothing is tried again: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--endpoint-url")), "{:?}", error.hint());
    }
}

#[tokio::test]
async fn a_check_asks_once_and_writes_nothing() {
    let mut world = World::with(1).await;
    let check = async |world: &World, bucket: &Bucket| {
        let keys = Credentials::find(&world.environment(&[]), &Profile::default(), false).await.expect("keys");
        let [check] = <[_; 1]>::try_from(checks::checks(bucket, &world.location, &keys).await).expect("one");
        (check.outcome, check.sentence, check.fix.unwrap_or_default())
    };
    let (outcome, said, _) = check(&world, &world.bucket(&[], None).await).await;
    assert_eq!(outcome, Outcome::Pass, "{said}");
    let (outcome, said, fix) = check(&world, &world.bucket(&[("AWS_SECRET_ACCESS_KEY", "other")], None).await).await;
    assert!(
        outcome == Outcome::Fail && said.starts_with("the secret key") && fix.contains("copy both"),
        "{said}: {fix}"
    );
    world.storage.faults().set([Rule::from(Fault::Denied).on("GET")]);
    let (outcome, said, fix) = check(&world, &world.bucket(&[], None).await).await;
    assert!(outcome == Outcome::Warn && fix.contains("s3:GetObject"), "{said}: {fix}");
    world.storage.faults().clear();
    // A storm is told, not waited for.
    let before = world.storage.requests().len();
    world.fault(Fault::SlowDown { retry_after: Some("30".to_owned()) });
    let (outcome, said, _) = check(&world, &world.bucket(&[], None).await).await;
    assert!(outcome == Outcome::Fail && said.starts_with("the storage is busy (503)"), "{said}");
    assert_eq!(world.storage.requests().len() - before, 1);
    world.storage.faults().clear();
    world.location = "s3://other/17".parse().expect("a location");
    let (outcome, said, fix) = check(&world, &world.bucket(&[], None).await).await;
    assert!(outcome == Outcome::Fail && said.starts_with("there is no bucket `other`"), "{said}: {fix}");
    assert!(world.storage.requests().iter().all(|seen| seen.method == "GET"));
}

/// A web server instead of the API: the public address, or a console.
#[tokio::test]
async fn a_service_that_is_no_storage_is_told() {
    let world = World::with(1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let cdn = gen404_sandbox::cdn::Cdn::start(folder.path()).await.expect("a CDN");
    let credentials = Credentials::find(&world.environment(&[]), &Profile::default(), false).await.expect("keys");
    let bucket = Bucket::new(Endpoint::new(Some(cdn.url().clone()), None), "cdn", credentials, None).expect("a client");
    let said = world.failure(&bucket).await;
    assert!(said.contains("405"), "{said}");
}
