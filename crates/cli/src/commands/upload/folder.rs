//! Modules into a folder that a web server serves: each file is written whole, and those that are the same keep their time.

use std::io;
use std::path::Path;

use gen404_outside::disk::{Durability, write_whole};
use gen404_outside::observer::Observer as _;
use gen404_storage::{Delivered, Delivery, Event, Found, Md5, Module, Outcome};

use super::display::Display;
use crate::errors::CommandError;

/// Copies them one after the other. What is done is returned also when not all of it could be.
pub(super) async fn copy(
    target: &Path,
    modules: &[Module],
    dry_run: bool,
    display: &Display,
) -> (Vec<Delivered>, Result<(), CommandError>) {
    let mut delivered = Vec::new();
    for module in modules {
        let (module, file) = (module.clone(), target.join(format!("{}.js", module.stem)));
        let one = tokio::task::spawn_blocking(move || place(&module, &file, dry_run)).await;
        match one.unwrap_or_else(|_| Err(CommandError::panicked())) {
            Ok(one) => {
                display.on(Event::Delivered(&one));
                delivered.push(one);
            }
            Err(error) => return (delivered, Err(error)),
        }
    }
    (delivered, Ok(()))
}

fn place(module: &Module, file: &Path, dry_run: bool) -> Result<Delivered, CommandError> {
    let bytes = std::fs::read(&module.path);
    let bytes =
        bytes.map_err(|error| CommandError::failed(format!("cannot read {}: {error}", module.path.display())))?;
    if Md5::of(&bytes) != module.md5 {
        return Err(CommandError::failed(format!("{} was changed during the upload", module.path.display())));
    }
    let unwritable = |error: io::Error| CommandError::failed(format!("cannot write {}: {error}", file.display()));
    let found = found(file, &bytes).map_err(unwritable)?;
    let delivery = match found {
        _ if dry_run => Delivery::Seen(found),
        Found::Same => Delivery::Done(Outcome::Unchanged),
        Found::Nothing | Found::Other | Found::Hidden => {
            write_whole(file, &bytes, Durability::Lasting).map_err(unwritable)?;
            Delivery::Done(if found == Found::Nothing { Outcome::Uploaded } else { Outcome::Replaced })
        }
    };
    Ok(Delivered { stem: module.stem.clone(), key: file.display().to_string(), bytes: module.bytes, delivery })
}

/// What is there now.
fn found(file: &Path, bytes: &[u8]) -> io::Result<Found> {
    let facts = match std::fs::metadata(file) {
        Ok(facts) if facts.is_file() => facts,
        Ok(_) => return Err(io::Error::other("something else than a file is there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    if facts.len() != bytes.len() as u64 {
        return Ok(Found::Other);
    }
    Ok(if std::fs::read(file)? == bytes { Found::Same } else { Found::Other })
}
