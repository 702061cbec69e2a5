//! Keys, buckets, regions and clocks that are wrong: found before the first module, and told apart.

use gen404_sandbox::faults::Rule;
use gen404_sandbox::storage::Fault;
use gen404_testing::Nobody;

use gen404_storage::{Bucket, Credentials, Endpoint, Profile};

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

#[tokio::test]
async fn a_storage_that_is_not_there_is_told() {
    let world = World::with(1).await;
    let nobody = Nobody::here();
    let address = format!("http://me:s3cret@{}/?key=s3cret", nobody.address()).parse().expect("a URL");
    let credentials = Credentials::find(&world.environment(&[]), &Profile::default(), false).await.expect("keys");
    let bucket = Bucket::new(Endpoint::new(Some(address), None), "cdn", credentials, None).expect("a client");
    let said = world.failure(&bucket).await;
    assert!(
        said.starts_with(&format!("cannot reach http://{}: ", nobody.address())) && said.contains("refused"),
        "{said}"
    );
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
