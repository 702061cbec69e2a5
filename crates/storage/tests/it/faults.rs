//! Storms, cuts and lost answers: what is repeated, what is not, and that nothing is written twice or in half.

use gen404_sandbox::faults::Rule;
use gen404_sandbox::storage::Fault;
use gen404_storage::Delivery::Done;
use gen404_storage::Outcome::{Replaced, Uploaded};

use crate::world::World;

fn slow(retry_after: Option<&str>) -> Fault {
    Fault::SlowDown { retry_after: retry_after.map(str::to_owned) }
}

#[tokio::test]
async fn a_storm_is_waited_out() {
    let world = World::with(6).await;
    world.storage.faults().set([Rule { skip: 2, ..Rule::times(slow(Some("0")), 3) }]);
    let (delivered, outcome, told) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!(delivered, vec![Done(Uploaded); 6]);
    assert!(told.iter().filter(|words| words.starts_with("again: the storage is busy (503)")).count() == 3, "{told:?}");
}

#[tokio::test]
async fn an_endless_storm_ends_with_words() {
    let world = World::with(2).await;
    let bucket = world.bucket(&[], None).await;
    world.fault(slow(None));
    assert_eq!(world.failure(&bucket).await, "the storage is busy (503), again and again");
    let asked = world.storage.requests().len();
    assert_eq!(asked, 4, "as often as patience says, before anything is begun");
    world.fault(slow(Some("3600")));
    assert_eq!(world.failure(&bucket).await, "the storage is busy (503), and asks to wait 3600 s");
    assert_eq!(world.storage.requests().len(), asked + 1);
}

#[tokio::test]
async fn cut_connections_are_taken_up_again() {
    let world = World::with(6).await;
    world.storage.faults().set([Rule { skip: 1, every: 3, ..Rule::times(Fault::CutBefore, 4) }]);
    let (delivered, outcome, told) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!(delivered, vec![Done(Uploaded); 6]);
    assert!(told.iter().any(|words| words.starts_with("again: ")), "{told:?}");
    assert_eq!(world.listed().len(), 6);
}

/// The object is there, and nobody said so: it is looked for before anything is sent again.
#[tokio::test]
async fn what_was_stored_without_an_answer_is_not_sent_again() {
    let mut world = World::with(2).await;
    let lost = || [Rule { skip: 1, ..Rule::times(Fault::CutAfter, 2).on("PUT") }];
    world.storage.faults().set(lost());
    let (delivered, outcome, _) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!((delivered, world.puts()), (vec![Done(Uploaded); 2], 2));
    world.write("stem000", "export default null;\n");
    world.write("stem001", "export default null;\n");
    world.storage.faults().set(lost());
    let (delivered, outcome, _) = world.upload().await;
    outcome.expect("uploaded");
    assert_eq!((delivered, world.puts()), (vec![Done(Replaced); 2], 4));
}

/// What was done before the end is told, and the next run does the rest only.
#[tokio::test]
async fn a_storage_that_fills_up_keeps_what_it_has() {
    let world = World::with(8).await;
    world.storage.faults().set([Rule { skip: 4, ..Fault::NoSpace.into() }]);
    let (delivered, outcome, _) = world.upload().await;
    let said = outcome.expect_err("it is full").to_string();
    assert!(said.starts_with("the storage has no space left for 17/stem"), "{said}");
    // The probe was one of the four.
    assert_eq!((delivered, world.listed().len()), (vec![Done(Uploaded); 3], 3));
    world.storage.faults().clear();
    let before = world.puts();
    world.upload().await.1.expect("uploaded");
    assert_eq!((world.puts() - before, world.listed().len()), (5, 8));
}
