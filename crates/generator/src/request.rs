//! What a run is asked to do, checked as a whole before anything is sent.
//! It knows prompts and addresses; it must not know the state of any service.

use std::path::{Path, PathBuf};

use gen404_round::{Prompt, PromptImage, Stem};

use crate::endpoint::Endpoint;
use crate::journal::Origin;
use crate::limits::Limits;
use crate::local::{self, LocalPictureError};

/// A round's prompts for one generator.
#[derive(Debug, Clone)]
pub struct Request {
    /// The generator.
    pub endpoint: Endpoint,
    /// The prompts in their order, stems all different.
    pub prompts: Vec<Prompt>,
    /// Folder that relative picture paths start from: the prompts file's.
    pub pictures_folder: PathBuf,
    /// Seed of the round.
    pub seed: u64,
    /// Where `<stem>.js` go; made when missing.
    pub output_folder: PathBuf,
    /// Prompts in a batch; the subnet sends 32.
    pub batch_size: usize,
    /// New machines the service is told it may still ask for.
    pub replacements: u32,
    /// Whether files that are finished are made again.
    pub force: bool,
    /// How long and how much.
    pub limits: Limits,
}

/// What is wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// A picture of this machine for a generator elsewhere.
    #[error("prompt {number}: the picture {} is a file of this machine, which the generator at {endpoint} cannot reach", path.display())]
    OutOfReach {
        /// Place in the file, from 1.
        number: usize,
        /// The picture.
        path: PathBuf,
        /// The generator.
        endpoint: Endpoint,
    },
    /// A picture of this machine that cannot be served.
    #[error("prompt {number}")]
    Picture {
        /// Place in the file, from 1.
        number: usize,
        /// Why.
        source: LocalPictureError,
    },
    /// A batch cannot have this many prompts.
    #[error("a batch has 1 to {most} prompts, not {size}")]
    BatchSize {
        /// What was asked for.
        size: usize,
        /// An archive's entries, minus `_failed.json`.
        most: u64,
    },
}

impl RequestError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OutOfReach { .. } => {
                Some("put the pictures on a web server and use their URLs, or run the generator on this machine")
            }
            Self::Picture { .. } => Some("paths are relative to the prompts file"),
            Self::BatchSize { .. } => None,
        }
    }
}

/// A prompt with everything known about it.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) stem: Stem,
    /// What the generator is told: set once local pictures have an address.
    pub(crate) image_url: String,
    pub(crate) local: Option<PathBuf>,
    pub(crate) origin: Origin,
}

impl Request {
    /// Checks everything that can be checked without sending anything.
    pub(crate) fn wishes(&self) -> Result<Vec<Wish>, RequestError> {
        let most = self.limits.archive.entries.saturating_sub(1);
        if self.batch_size == 0 || self.batch_size as u64 > most {
            return Err(RequestError::BatchSize { size: self.batch_size, most });
        }
        self.prompts.iter().enumerate().map(|(index, prompt)| self.wish(index + 1, prompt)).collect()
    }

    fn wish(&self, number: usize, prompt: &Prompt) -> Result<Wish, RequestError> {
        let local = match &prompt.image {
            PromptImage::Url(_) => None,
            PromptImage::Path(path) => Some(self.pictures_folder.join(path)),
        };
        let content = local.as_deref().map(|path| self.local_picture(number, path)).transpose()?;
        let origin = Origin::new(prompt, self.seed, content.as_deref());
        Ok(Wish { stem: prompt.stem.clone(), image_url: prompt.image_url.clone(), local, origin })
    }

    fn local_picture(&self, number: usize, path: &Path) -> Result<Vec<u8>, RequestError> {
        if !self.endpoint.is_local() {
            return Err(RequestError::OutOfReach { number, path: path.to_owned(), endpoint: self.endpoint.clone() });
        }
        local::read(path).map_err(|source| RequestError::Picture { number, source })
    }
}
