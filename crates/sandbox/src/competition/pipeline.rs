//! The leader's pipeline: the sample generator, run on the sandbox's own pictures without its service.

use std::path::PathBuf;

use super::organisers::Pipeline;
use crate::generator::{self, Quality};

/// Makes modules of the pictures in a folder.
#[derive(Debug)]
pub(super) struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Pipeline for Pictures {
    fn module(&self, stem: &str, seed: u64, quality: Quality) -> Option<String> {
        let picture = std::fs::read(self.folder.join(format!("{stem}.png"))).ok()?;
        generator::module_of(stem, &picture, seed, quality).ok()
    }
}
