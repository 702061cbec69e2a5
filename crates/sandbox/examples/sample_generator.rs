//! Runs the sample generator with a CDN of the sandbox's pictures, and prints one JSON line: `generator`, `cdn`, `prompts`.
//!
//! `cargo run -p gen404-sandbox --example sample_generator -- <folder> [pace in milliseconds]`

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use gen404_sandbox::cdn::Cdn;
use gen404_sandbox::generator::{Options, SampleGenerator};
use gen404_sandbox::pictures;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf = arguments.next().ok_or("name a folder for the pictures")?.into();
    let pace = arguments.next().map_or(Ok(0), |text| text.parse())?;

    pictures::write_all(&folder)?;
    let cdn = Cdn::start(&folder).await?;
    let prompts = folder.join("prompts.json");
    std::fs::write(&prompts, pictures::prompts_file(cdn.url(), 7).to_string())?;
    let options = Options { pace: Duration::from_millis(pace), ..Options::default() };
    let generator = SampleGenerator::start(options).await?;

    let line = json!({"generator": generator.url(), "cdn": cdn.url(), "prompts": prompts});
    writeln!(std::io::stdout(), "{line}")?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
