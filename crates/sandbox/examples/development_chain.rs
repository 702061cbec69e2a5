//! Runs a development chain by itself and prints its URL, for trying clients against it.
//!
//! ```text
//! cargo run -p gen404-sandbox --example development_chain
//! ```

use gen404_sandbox::chain::{DevelopmentChain, Options};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example has no printer")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chain = DevelopmentChain::start(Options::default()).await?;
    println!("{}", chain.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
