//! An S3 service over the CDN's folder: what is put into its bucket, the CDN serves. Signatures are checked and objects kept by
//! libraries that are made for it; a layer in front adds what they leave out, and the [`Fault`]s.
//! It must not know who uploads, or what.

mod answer;
mod fault;
mod gate;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use s3s::HttpError;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use url::Url;

use crate::service::Service;
use gate::Gate;

pub use fault::{Fault, SeenRequest};

/// The access key; worth nothing anywhere else.
pub const ACCESS_KEY: &str = "AKIASANDBOX000000000";

/// The secret that belongs to it.
pub const SECRET_KEY: &str = "sandbox/secret+key/of/404-cli/0000000000";

/// The region that the bucket is in.
pub const REGION: &str = "us-east-1";

/// A running S3 service; it stops when dropped.
#[derive(Debug)]
pub struct Storage {
    service: Service,
    gate: Gate,
    bucket: String,
}

impl Storage {
    /// Serves the folder (which must exist) as the bucket of its name, on a free loopback port, with the control of [`Fault`]s at
    /// `/sandbox/faults`. Beside the folder lie files with what a folder cannot keep of an object.
    pub async fn start(bucket: &Path) -> io::Result<Self> {
        let bucket = bucket.canonicalize()?;
        let unfit = || io::Error::other("a bucket needs a folder around it and a name in ASCII");
        let name = bucket.file_name().and_then(|name| name.to_str());
        let (root, name) = bucket.parent().zip(name).ok_or_else(unfit)?;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let gate = Gate::new(root.to_owned(), name.to_owned());
        let router = router(root.to_owned())?;
        let router = router.layer(from_fn_with_state(gate.clone(), gate::on_the_way));
        Ok(Self { service: Service::start(listener, router)?, gate, bucket: name.to_owned() })
    }

    /// For `--endpoint-url`.
    pub fn url(&self) -> &Url {
        self.service.url()
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Replaces all faults.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.gate.set(faults);
    }

    /// The newest requests, oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.gate.requests()
    }
}

fn router(root: PathBuf) -> io::Result<Router> {
    let objects = FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(objects);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = HandleError::new(builder.build(), broken);
    Ok(Router::new().fallback_service(service))
}

async fn broken(error: HttpError) -> StatusCode {
    tracing::warn!(?error, "the sandbox's storage failed");
    StatusCode::INTERNAL_SERVER_ERROR
}
