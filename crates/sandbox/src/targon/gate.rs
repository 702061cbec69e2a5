//! A gate that requests can be held at, so that a test acts at exactly that moment without sleeping.
//! Which requests are held is not decided here.

use tokio::sync::watch;

/// How many wait at the gate, and how often it was opened.
#[derive(Debug)]
pub(super) struct Gate {
    held: watch::Sender<usize>,
    opened: watch::Sender<u64>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { held: watch::Sender::new(0), opened: watch::Sender::new(0) }
    }
}

impl Gate {
    /// Waits here until the gate is opened the next time.
    pub(super) async fn wait(&self) {
        let mut opened = self.opened.subscribe();
        opened.mark_unchanged();
        let _held = Held::new(&self.held);
        // Fails only when the gate itself is gone, and then nobody waits any more.
        let _gone = opened.changed().await;
    }

    /// Resolves when somebody waits.
    pub(super) async fn held(&self) {
        let mut held = self.held.subscribe();
        let _gone = held.wait_for(|&count| count > 0).await;
    }

    /// Resolves when nobody waits any more.
    pub(super) async fn empty(&self) {
        let mut held = self.held.subscribe();
        let _gone = held.wait_for(|&count| count == 0).await;
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        *self.held.borrow()
    }

    /// Lets everybody go on.
    pub(super) fn release(&self) {
        self.opened.send_modify(|times| *times += 1);
    }
}

/// One request at the gate; leaves when its client hangs up, too.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn new(held: &'a watch::Sender<usize>) -> Self {
        held.send_modify(|count| *count += 1);
        Self(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
