//! `404-cli man`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::errors::CommandError;
use crate::settings;

/// Print the man page, or write one page a command into a folder
///
/// To read it at once: 404-cli man | man -l -
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Write 404-cli.1 and one page a command into this folder
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Written<'a> {
    success: bool,
    output_dir: &'a Path,
}

pub(crate) fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let command = settings::described_command();
    if let Some(folder) = &arguments.output_dir {
        let refused = |error: std::io::Error| {
            CommandError::failed(format!("cannot write man pages into {}: {error}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(refused)?;
        clap_mangen::generate_to(command, folder).map_err(refused)?;
        return context.ui.result(&Written { success: true, output_dir: folder });
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| CommandError::failed(format!("cannot make the man page: {error}")))?;
    context.ui.document(&String::from_utf8_lossy(&page))
}
