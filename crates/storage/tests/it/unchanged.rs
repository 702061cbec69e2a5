//! What is there already is not touched, however the storage describes it.

use gen404_sandbox::storage::Fault;
use gen404_storage::Delivery::{Done, Seen};
use gen404_storage::Found;
use gen404_storage::Outcome::{Replaced, Unchanged, Uploaded};

use crate::world::World;

#[tokio::test]
async fn modules_are_uploaded_once_and_keep_their_time() {
    let mut world = World::with(20).await;
    let (delivered, outcome, told) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!(delivered, vec![Done(Uploaded); 20]);
    assert_eq!(told, ["keys work"]);
    assert_eq!(world.content("stem007").as_deref(), Some("export default 7; // módulo\n"));
    assert_eq!(world.listed().len(), 20, "no probe is left: {:?}", world.listed());

    let before = world.modified("stem007");
    // One other text of the same length, one of another.
    world.write("stem003", "export default X; // módulo\n");
    world.write("stem004", "export default null;\n");
    let (delivered, outcome, _) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!(delivered.iter().filter(|one| **one == Done(Replaced)).count(), 2);
    assert_eq!(delivered.iter().filter(|one| **one == Done(Unchanged)).count(), 18);
    assert_eq!(world.content("stem003").as_deref(), Some("export default X; // módulo\n"));
    assert_eq!((world.puts(), world.modified("stem007")), (22, before));
}

/// KMS, or several parts.
#[tokio::test]
async fn where_the_etag_is_no_md5_the_bytes_are_compared() {
    let mut world = World::with(3).await;
    world.fault(Fault::OpaqueEtags);
    world.upload().await.1.expect("uploaded");
    let before = world.modified("stem001");
    world.write("stem002", "export default Y; // módulo\n");
    let (delivered, outcome, _) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!(delivered, [Done(Unchanged), Done(Unchanged), Done(Replaced)]);
    assert_eq!((world.puts(), world.modified("stem001")), (4, before));
}

#[tokio::test]
async fn a_rehearsal_writes_nothing() {
    let mut world = World::with(3).await;
    world.dry_run = true;
    let (delivered, outcome, _) = world.upload().await;
    outcome.expect("looked");
    assert_eq!(delivered, vec![Seen(Found::Nothing); 3]);
    world.dry_run = false;
    world.upload().await.1.expect("uploaded");
    world.write("stem001", "export default null;\n");
    world.dry_run = true;
    let requests = world.storage.requests().len();
    assert_eq!(world.upload().await.0, [Seen(Found::Same), Seen(Found::Other), Seen(Found::Same)]);
    assert!(world.storage.requests()[requests..].iter().all(|seen| ["GET", "HEAD"].contains(&seen.method.as_str())));
}

/// A key that may only write is told 403 of everything: a write only where nothing is cannot do harm.
#[tokio::test]
async fn what_the_key_may_not_see_is_never_overwritten() {
    let mut world = World::with(2).await;
    world.storage.faults().set([gen404_sandbox::faults::Rule::from(Fault::Denied).on("HEAD")]);
    assert_eq!(world.upload().await.0, vec![Done(Uploaded); 2]);
    let before = world.modified("stem000");
    world.write("stem000", "export default null;\n");
    let bucket = world.bucket(&[], None).await;
    let said = world.failure(&bucket).await;
    assert!(said.contains("exists, but the key may not read it"), "{said}");
    assert_eq!(world.modified("stem000"), before);
}

#[tokio::test]
async fn a_module_that_changes_on_the_way_is_not_uploaded() {
    let mut world = World::with(1).await;
    let checked = world.modules.clone();
    world.write("stem000", "export default evil; // longer\n");
    world.modules = checked;
    let bucket = world.bucket(&[], None).await;
    assert!(world.failure(&bucket).await.contains("was changed during the upload"));
    assert_eq!((world.content("stem000"), world.puts()), (None, 0));
}
