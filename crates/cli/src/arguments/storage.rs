//! Where modules are stored: the options of the commands that talk to S3-compatible storage.

use clap::Args;
use gen404_outside::http::parse_address;
use gen404_storage::{Credentials, Endpoint, Environment, Location, Profile};
use url::Url;

use crate::errors::CommandError;

/// Options that choose a bucket.
#[derive(Debug, Args)]
#[command(next_help_heading = "Storage")]
pub(crate) struct StorageArguments {
    /// Place of the modules: `s3://BUCKET` or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "S3_PLACE", env = "GEN404_TO")]
    pub(crate) to: Option<Location>,
    /// Address of the storage's S3 API [default: the profile's, else AWS]
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_S3", value_parser = parse_address)]
    pub(crate) endpoint_url: Option<Url>,
    /// Region of the bucket [default: the profile's, what the address says, else us-east-1; auto for R2]
    #[arg(long, value_name = "REGION", env = "AWS_REGION")]
    pub(crate) region: Option<String>,
}

impl StorageArguments {
    /// The service, and keys to it, as S3's own tools find them.
    pub(crate) async fn find(&self) -> Result<(Endpoint, Credentials), CommandError> {
        let environment = Environment::of_this_process();
        let profile = Profile::find(&environment)?;
        let of_profile = profile.endpoint_url.as_deref().map(parse_address).transpose();
        let of_profile =
            of_profile.map_err(|error| CommandError::usage(format!("endpoint_url of the profile is {error}")))?;
        let given = self.region.as_deref().map(str::trim).filter(|region| !region.is_empty());
        let region = given.or(profile.region.as_deref());
        let is_no_name =
            |region: &&str| !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if let Some(bad) = region.filter(is_no_name) {
            let message = format!("no region is called `{}`", bad.escape_debug());
            return Err(CommandError::usage(message).with_hint("see --region and AWS_REGION"));
        }
        let endpoint = Endpoint::new(self.endpoint_url.clone().or(of_profile), region);
        let credentials = Credentials::find(&environment, &profile, endpoint.is_aws()).await?;
        Ok((endpoint, credentials))
    }
}
