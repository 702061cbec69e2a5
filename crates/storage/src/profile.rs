//! What a profile of `~/.aws/config` and `~/.aws/credentials` says of region and address. Its keys are read by the signing
//! library.

use std::path::{Path, PathBuf};

use ini::Ini;

use crate::credentials::CredentialsError;
use crate::surroundings::Environment;

/// Settings of a profile that are no keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// `region`.
    pub region: Option<String>,
    /// `endpoint_url`.
    pub endpoint_url: Option<String>,
    /// Its name, if the user has named one.
    pub(crate) named: Option<String>,
    /// Whether one of the files has it.
    pub(crate) found: bool,
    /// Whether it is another account's role that somebody takes on, `role_arn`.
    pub(crate) is_role: bool,
}

impl Profile {
    /// The profile that `AWS_PROFILE` names, or `default`.
    pub fn find(environment: &Environment) -> Result<Self, CredentialsError> {
        let named = environment.variable("AWS_PROFILE").map(str::to_owned);
        let name = named.as_deref().unwrap_or("default");
        let of_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        let config = environment.file("AWS_CONFIG_FILE", ".aws/config");
        let keys = environment.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
        let mut profile = Self { named: named.clone(), ..Self::default() };
        for (file, section) in [(config, of_config.as_str()), (keys, name)] {
            let Some(conf) = file.map(|file| read(&file)).transpose()?.flatten() else { continue };
            let Some(section) = conf.section(Some(section)) else { continue };
            profile.found = true;
            let get = |key: &str| section.get(key).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
            profile.region = profile.region.or_else(|| get("region"));
            profile.endpoint_url = profile.endpoint_url.or_else(|| get("endpoint_url"));
            profile.is_role |= get("role_arn").is_some();
        }
        Ok(profile)
    }
}

/// `None` when there is no such file.
fn read(path: &Path) -> Result<Option<Ini>, CredentialsError> {
    let unreadable = |reason: String| CredentialsError::Unreadable { file: PathBuf::from(path), reason };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    // The parser's own words could repeat a line, and so a key.
    Ini::load_from_str(&text).map(Some).map_err(|error| unreadable(format!("line {} is not INI", error.line)))
}
