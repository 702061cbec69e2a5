//! Where keys come from, as every S3 tool looks for them: variables, profiles, then whatever the machine's cloud hands out.
//! A key's text never leaves this room but in a signature.

use std::path::PathBuf;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::secrets::Secrets;
use reqsign_aws_v4::{Credential, DefaultCredentialProvider, EnvCredentialProvider, ProfileCredentialProvider};
use reqsign_core::ProvideCredential as _;

use crate::profile::Profile;
use crate::surroundings::Environment;

/// Keys of an account, and where they were found.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub(crate) credential: Credential,
    /// In words: `AWS_ACCESS_KEY_ID`, `profile miner`.
    pub origin: String,
}

/// Why there are no keys to sign with. No variant holds one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read or understood.
    #[error("cannot read {}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// One of the two variables is set, the other is not.
    #[error("{there} is set, but {missing} is not")]
    Half {
        /// The one that is set.
        there: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A variable or profile has characters in it that cannot be sent.
    #[error("the keys of {origin} hold characters that no key has")]
    Garbled {
        /// Where they were found.
        origin: String,
    },
    /// The profile is in neither file.
    #[error("AWS_PROFILE names the profile `{}`, which is in neither ~/.aws/config nor ~/.aws/credentials", name.escape_debug())]
    UnknownProfile {
        /// Its name.
        name: String,
    },
    /// The profile takes on a role, which wants a request to another service first.
    #[error("the profile `{}` assumes a role (role_arn), which is not supported", name.escape_debug())]
    Role {
        /// Its name.
        name: String,
    },
    /// Nobody has any.
    #[error("no keys for the storage: AWS_ACCESS_KEY_ID is not set, and {} has none", profile.as_deref().map_or_else(|| "~/.aws/credentials".to_owned(), |name| format!("the profile `{name}`")))]
    Missing {
        /// The profile that was named.
        profile: Option<String>,
    },
}

impl Explain for CredentialsError {
    fn blame(&self) -> Blame {
        match self {
            Self::Unreadable { .. }
            | Self::Half { .. }
            | Self::Garbled { .. }
            | Self::UnknownProfile { .. }
            | Self::Role { .. }
            | Self::Missing { .. } => Blame::User,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Role { name } => {
                let name = name.escape_debug();
                return Some(
                    format!(
                        "let AWS's own tool assume it: eval \"$(aws configure export-credentials --profile {name} --format env)\", \
                         then give the same command again; or name a profile with that command, without --format, as its credential_process"
                    )
                    .into(),
                );
            }
            Self::Missing { .. } => Some(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key of the storage, or name a profile in AWS_PROFILE; with \
                 R2 these are the two values of an API token for S3",
            ),
            Self::Garbled { .. } => Some("copy them again, without quotation marks or line feeds"),
            Self::Unreadable { .. } | Self::Half { .. } | Self::UnknownProfile { .. } => None,
        }
        .map(Hint::Borrowed)
    }
}

const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

impl Credentials {
    /// Looks for keys. What a machine of AWS hands out is asked for only if `of_aws`.
    pub async fn find(environment: &Environment, profile: &Profile, of_aws: bool) -> Result<Self, CredentialsError> {
        let context = environment.context();
        match (environment.variable(ID), environment.variable(SECRET)) {
            (Some(_), None) => return Err(CredentialsError::Half { there: ID, missing: SECRET }),
            (None, Some(_)) => return Err(CredentialsError::Half { there: SECRET, missing: ID }),
            _ => {}
        }
        if let Ok(Some(credential)) = EnvCredentialProvider::new().provide_credential(&context).await {
            return Self { credential, origin: ID.to_owned() }.checked();
        }
        if let Some(name) = profile.named.as_ref().filter(|_| !profile.found) {
            return Err(CredentialsError::UnknownProfile { name: name.clone() });
        }
        // Keys that stand beside it are those of whoever takes the role on: to sign with them would be to act as somebody else.
        if profile.is_role {
            return Err(CredentialsError::Role { name: profile.named.clone().unwrap_or_else(|| "default".to_owned()) });
        }
        let origin = format!("profile {}", profile.named.as_deref().unwrap_or("default"));
        if let Ok(Some(credential)) = ProfileCredentialProvider::new().provide_credential(&context).await {
            return Self { credential, origin }.checked();
        }
        let mut rest = DefaultCredentialProvider::builder().no_env().no_profile();
        if !of_aws {
            rest = rest.no_imds();
        }
        match rest.build().provide_credential(&context).await {
            Ok(Some(credential)) => Self { credential, origin: "this machine's cloud or helper".to_owned() }.checked(),
            Ok(None) | Err(_) => Err(CredentialsError::Missing { profile: profile.named.clone() }),
        }
    }

    fn checked(self) -> Result<Self, CredentialsError> {
        let Credential { access_key_id, secret_access_key, session_token, .. } = &self.credential;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'".contains(&byte));
        // A slash ends the key where a signature names it.
        let good = plain(access_key_id)
            && !access_key_id.contains('/')
            && plain(secret_access_key)
            && session_token.as_deref().is_none_or(plain);
        if good { Ok(self) } else { Err(CredentialsError::Garbled { origin: self.origin }) }
    }

    /// What must never be shown of them.
    pub(crate) fn secrets(&self) -> Secrets {
        let secrets = Secrets::default().with_key(&self.credential.secret_access_key);
        self.credential.session_token.iter().fold(secrets, |secrets, token| secrets.with_key(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(home: Option<&std::path::Path>, variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::new(variables, home.map(Into::into))
    }

    async fn found(environment: &Environment) -> Result<(String, Profile), CredentialsError> {
        let profile = Profile::find(environment)?;
        let found = Credentials::find(environment, &profile, false).await?;
        assert!(!format!("{found:?}").contains("SECRETSECRET"), "{found:?}");
        Ok((format!("{} from {}", found.credential.access_key_id, found.origin), profile))
    }

    const CONFIG: &str = "[default]\nregion = eu-west-1\n\n[profile r2]\nregion=auto\nendpoint_url = https://0.r2.cloudflarestorage.com\n";
    const HELPED: &str = r#"{"Version":1,"AccessKeyId":"PROC","SecretAccessKey":"SECRETSECRET"}"#;
    const KEYS: &str = "[default]\naws_access_key_id = AK1\naws_secret_access_key = SECRETSECRET\n[r2]\naws_access_key_id=AK2\naws_secret_access_key=SECRETSECRET\n";

    #[tokio::test]
    async fn keys_are_found_in_the_order_of_the_ecosystem() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(home.path().join(".aws")).expect("made");
        let helped = home.path().join("helped.json");
        std::fs::write(&helped, HELPED).expect("written");
        let config = format!("{CONFIG}[profile helper]\ncredential_process = cat {}\n", helped.display());
        std::fs::write(home.path().join(".aws/config"), config).expect("written");
        std::fs::write(home.path().join(".aws/credentials"), KEYS).expect("written");
        let at_home = |variables: &[(&str, &str)]| environment(Some(home.path()), variables);
        let (keys, profile) = found(&at_home(&[])).await.expect("keys");
        assert_eq!((keys.as_str(), profile.region.as_deref()), ("AK1 from profile default", Some("eu-west-1")));
        let (keys, profile) = found(&at_home(&[("AWS_PROFILE", "r2")])).await.expect("keys");
        assert_eq!((keys.as_str(), profile.region.as_deref()), ("AK2 from profile r2", Some("auto")));
        assert_eq!(profile.endpoint_url.as_deref(), Some("https://0.r2.cloudflarestorage.com"));
        let both = [("AWS_PROFILE", "r2"), (ID, " AK3\n"), (SECRET, "SECRETSECRET")];
        assert_eq!(found(&at_home(&both)).await.expect("keys").0, "AK3 from AWS_ACCESS_KEY_ID");
        let (keys, _) = found(&at_home(&[("AWS_PROFILE", "helper")])).await.expect("keys");
        assert_eq!(keys, "PROC from this machine's cloud or helper");
    }

    #[tokio::test]
    async fn what_is_missing_is_said_without_a_key() {
        let home = tempfile::tempdir().expect("a folder");
        let at_home = |variables: &[(&str, &str)]| environment(Some(home.path()), variables);
        let failed = async |variables: &[(&str, &str)]| found(&at_home(variables)).await.expect_err("no keys");
        assert_eq!(failed(&[]).await, CredentialsError::Missing { profile: None });
        assert!(matches!(
            failed(&[(SECRET, "SECRETSECRET"), (ID, " ")]).await,
            CredentialsError::Half { missing: ID, .. }
        ));
        for garbled in ["\"AK\"", "AK/us-east-1", "AK\nAK"] {
            let failure = failed(&[(ID, garbled), (SECRET, "SECRETSECRET")]).await;
            assert!(matches!(failure, CredentialsError::Garbled { .. }), "{garbled}: {failure}");
        }
        let unknown = failed(&[("AWS_PROFILE", "mine")]).await;
        assert_eq!(unknown, CredentialsError::UnknownProfile { name: "mine".to_owned() });
        let config = home.path().join("config");
        let role = "[profile other]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n";
        std::fs::write(&config, role).expect("written");
        let keys = home.path().join("role-keys");
        std::fs::write(&keys, "[other]\naws_access_key_id=AK\naws_secret_access_key=SECRETSECRET\n").expect("written");
        let files = [
            ("AWS_CONFIG_FILE", config.to_str().expect("text")),
            ("AWS_SHARED_CREDENTIALS_FILE", keys.to_str().expect("text")),
            ("AWS_PROFILE", "other"),
        ];
        let role = failed(&files).await;
        assert_eq!(role, CredentialsError::Role { name: "other".to_owned() });
        assert!(role.hint().is_some_and(|hint| hint.contains("export-credentials --profile other")));
        // What the hint says: keys in the variables count.
        let with_keys = [&files[..], &[(ID, "AK3"), (SECRET, "SECRETSECRET")]].concat();
        assert_eq!(found(&at_home(&with_keys)).await.expect("keys").0, "AK3 from AWS_ACCESS_KEY_ID");
        let file = home.path().join("keys");
        std::fs::write(&file, "[default]\nSECRETSECRET\n").expect("written");
        let broken = failed(&[("AWS_SHARED_CREDENTIALS_FILE", file.to_str().expect("text"))]).await.to_string();
        assert!(broken.contains("is not INI") && !broken.contains("SECRETSECRET"), "{broken}");
    }
}
