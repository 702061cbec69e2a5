//! Fetches prompt pictures, within limits: whoever wrote the address may mean harm.
//! Must not know what is made of them.

use std::time::Duration;

use gen404_outside::http::{BodyError, RequestError, read_at_most};
use reqwest::redirect::Policy;

/// Most bytes of a picture file.
const LARGEST_FILE: usize = 16 << 20;
/// Most times a picture may be somewhere else.
const MOST_REDIRECTS: usize = 3;
/// Time for one picture.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a picture cannot be had; goes into `_failed.json`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the picture could not be fetched: {0}")]
    Fetch(#[from] RequestError),
    #[error("the picture's address is not http or https")]
    Address,
    #[error("the picture has more than {LARGEST_FILE} bytes")]
    TooLarge,
}

/// Fetches pictures.
#[derive(Debug, Clone)]
pub(crate) struct PictureClient(reqwest::Client);

impl PictureClient {
    pub(crate) fn new() -> reqwest::Result<Self> {
        // Picture hosts may point elsewhere, and nothing secret is sent to them.
        gen404_outside::http::client().redirect(Policy::limited(MOST_REDIRECTS)).timeout(PATIENCE).build().map(Self)
    }

    pub(crate) async fn fetch(&self, address: &str) -> Result<Vec<u8>, PictureError> {
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(PictureError::Address);
        }
        let response = self.0.get(address).send().await.and_then(reqwest::Response::error_for_status);
        let response = response.map_err(RequestError::from)?;
        read_at_most(response, LARGEST_FILE).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => PictureError::TooLarge,
            BodyError::BrokeOff(error) => PictureError::Fetch(error),
        })
    }
}
