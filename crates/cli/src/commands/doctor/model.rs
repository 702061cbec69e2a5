//! A model's server: options into the judge's own check.

use gen404_judge::checks as judge;
use gen404_judge::{ChatClient, ChatSettings, Profile};
use gen404_round::check::Check;
use secrecy::ExposeSecret;

use super::{Arguments, account};

/// The profile whose questions are put.
const PROFILE: &str = "cli";

pub(super) async fn checks(arguments: &Arguments) -> Vec<Check> {
    let Some(endpoint) = arguments.judge_endpoint.clone() else { return judge::without_endpoint() };
    let profile = Profile::built_in(PROFILE).expect("it is built in");
    let settings = ChatSettings {
        api_key: arguments.api_key.clone().filter(|key| !key.expose_secret().is_empty()),
        fields: profile.request.clone(),
        ..ChatSettings::new(endpoint, arguments.model.clone())
    };
    match ChatClient::new(settings) {
        Ok(client) => judge::checks(&client, &arguments.model, profile).await,
        Err(error) => {
            vec![Check::fail("model", account::words(&error), "see --judge-endpoint and OPENAI_API_KEY")]
        }
    }
}
