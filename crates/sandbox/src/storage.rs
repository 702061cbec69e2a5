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
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cut::{CuttableListener, Cutter};
use crate::faults::{self, Faults};
use crate::service::Service;
use gate::Gate;

pub use fault::{Fault, SeenRequest};

/// The access key; worth nothing anywhere else.
pub const ACCESS_KEY: &str = "AKIASANDBOX000000000";

/// The secret that belongs to it.
pub const SECRET_KEY: &str = "sandbox/secret+key/of/404-cli/0000000000";

/// The region that the bucket is in.
pub const REGION: &str = "us-east-1";

/// How the bucket behind the CDN is written to.
#[derive(Debug, Clone, Serialize)]
pub struct Access {
    /// For `--endpoint-url`, or `AWS_ENDPOINT_URL`.
    pub endpoint_url: String,
    /// The bucket, `cdn`; the CDN serves what is in it.
    pub bucket: String,
    /// For `AWS_REGION`.
    pub region: &'static str,
    /// For `AWS_ACCESS_KEY_ID`.
    pub access_key_id: &'static str,
    /// For `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: &'static str,
}

/// A running S3 service; it stops when dropped.
#[derive(Debug)]
pub struct Storage {
    service: Service,
    gate: Gate,
}

impl Storage {
    /// Serves the folder (which must exist) as the bucket of its name, on a free loopback port, with the switches of its faults
    /// beside it. Next to the folder lie files with what a folder cannot keep of an object.
    pub async fn start(bucket: &Path) -> io::Result<Self> {
        let bucket = bucket.canonicalize()?;
        let unfit = || io::Error::other("a bucket needs a folder around it and a name in ASCII");
        let name = bucket.file_name().and_then(|name| name.to_str());
        let (root, name) = bucket.parent().zip(name).ok_or_else(unfit)?;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let gate = Gate::new(root.to_owned(), name.to_owned());
        let objects = objects(root.to_owned())?.layer(from_fn_with_state(gate.clone(), gate::on_the_way));
        let router =
            objects.merge(faults::switches(gate.faults.clone())).into_make_service_with_connect_info::<Cutter>();
        let stop = CancellationToken::new();
        let server =
            axum::serve(CuttableListener::new(listener), router).with_graceful_shutdown(stop.clone().cancelled_owned());
        Ok(Self { service: Service::run(address, stop, server.into_future()), gate })
    }

    /// How it is written to.
    pub fn access(&self) -> Access {
        Access {
            endpoint_url: self.service.url().as_str().trim_end_matches('/').to_owned(),
            bucket: self.gate.bucket.clone(),
            region: REGION,
            access_key_id: ACCESS_KEY,
            secret_access_key: SECRET_KEY,
        }
    }

    /// What goes wrong with it.
    pub fn faults(&self) -> &Faults<Fault> {
        &self.gate.faults
    }

    /// Whether it is at work on nothing: a request may still be carried out when its client is gone.
    pub fn is_idle(&self) -> bool {
        self.gate.is_idle()
    }

    /// The newest requests, oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.gate.requests()
    }
}

fn objects(root: PathBuf) -> io::Result<Router> {
    let objects = FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(objects);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    Ok(Router::new().fallback_service(HandleError::new(builder.build(), broken)))
}

async fn broken(error: HttpError) -> StatusCode {
    tracing::warn!(?error, "the sandbox's storage failed");
    StatusCode::INTERNAL_SERVER_ERROR
}
