//! Reduces metadata of version 16 to version 15, for clients that know no newer one.
//!
//! ```text
//! cargo run -p gen404-devchain --example metadata_v15 -- V16_FILE V15_FILE
//! ```

use gen404_devchain::metadata_v15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("name the file to read and the file to write".into());
    };
    std::fs::write(to, metadata_v15(&std::fs::read(from)?).ok_or("the file holds no metadata of version 16")?)?;
    Ok(())
}
