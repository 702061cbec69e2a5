//! What happens during long work, told as it happens. A room defines its events; whoever shows or records them observes.

/// Is told of events as they happen.
///
/// An event that borrows is observed as `dyn for<'e> Observer<Event<'e>>`; a room with such events has a name for that.
pub trait Observer<E>: Send + Sync {
    /// Something happened. The work waits for the return, and may call from several tasks at once.
    fn on(&self, event: E);
}

/// Nobody wants to know.
impl<E> Observer<E> for () {
    fn on(&self, _: E) {}
}
