//! S3-compatible object storage: modules are uploaded once, and left alone when they are the same.
//!
//! Knows the protocol, where its users keep their keys, and what its errors mean. It must not know what a module is worth,
//! where the public reads it, or a terminal. Signing is a library's; every request goes through the one polite client.

pub mod checks;

mod bucket;
mod credentials;
mod endpoint;
mod error;
mod location;
mod object;
mod patience;
mod profile;
mod refusal;
mod surroundings;
mod upload;

pub use bucket::{Acl, Bucket, PROBE};
pub use credentials::{Credentials, CredentialsError};
pub use endpoint::Endpoint;
pub use error::StorageError;
pub use location::{InvalidLocation, Location};
pub use object::{Found, Md5, Outcome};
pub use patience::Patience;
pub use profile::Profile;
pub use surroundings::Environment;
pub use upload::{Delivered, Delivery, Event, Listener, Module, Upload, UploadError};
