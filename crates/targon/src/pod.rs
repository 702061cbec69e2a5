//! The pods a miner rents: what runs in each, on which machine, and where it says that it is well.
//! Only descriptions are here; buying one is [`crate::start()`]'s job.

use std::fmt;

use secrecy::SecretString;

use crate::names::{PodName, ResourceName};

/// The three pods the tool starts and stops. Their names are account-wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodKind {
    /// The miner's own generator.
    Generator,
    /// The official render service.
    Renderer,
    /// The vision-language model that judges duels.
    Judge,
}

impl PodKind {
    /// All of them, in the order a round needs them.
    pub const ALL: [Self; 3] = [Self::Generator, Self::Renderer, Self::Judge];

    /// The pod's name on the account: exactly this, nothing that only begins with it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Renderer => "render",
            Self::Judge => "judge",
        }
    }

    /// The kind whose name is exactly this.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The machine it is started on unless another is asked for.
    pub fn default_resource(self) -> &'static str {
        match self {
            Self::Generator => "h200-large",
            Self::Renderer => "cpu-small",
            Self::Judge => "rtx6000b-small",
        }
    }

    /// The image it runs; the generator's is the miner's own.
    pub fn image(self) -> Option<&'static str> {
        match self {
            Self::Generator => None,
            Self::Renderer => Some("europe-west3-docker.pkg.dev/gen-456515/active-competition/render-service-js:0.4.3"),
            Self::Judge => Some("vllm/vllm-openai:v0.20.0"),
        }
    }

    /// The port its HTTP server listens on.
    pub fn port(self) -> u16 {
        match self {
            Self::Generator => 10_006,
            Self::Renderer | Self::Judge => 8_000,
        }
    }

    /// Path that answers 2xx once it is ready for work.
    pub fn health_path(self) -> &'static str {
        "/health"
    }

    /// Arguments to the image's own entrypoint: model, revision and limits of the official judge.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Generator | Self::Renderer => &[],
            Self::Judge => &[
                "zai-org/GLM-4.6V-Flash",
                "--revision",
                "411bb4d77144a3f03accbf4b780f5acb8b7cde4e",
                "--served-model-name",
                "glm-4.6v-flash",
                "--host",
                "0.0.0.0",
                "--port",
                "8000",
                "--trust-remote-code",
                "--dtype",
                "bfloat16",
                "--gpu-memory-utilization",
                "0.90",
                "--max-model-len",
                "32768",
                "--max-num-seqs",
                "32",
            ],
        }
    }

    /// The pod as it is started by default, with the given image where the kind has none of its own.
    pub fn specification(self, own_image: Option<String>) -> Option<PodSpecification> {
        let image = own_image.or_else(|| self.image().map(str::to_owned))?;
        Some(PodSpecification {
            name: self.name().parse().expect("the three names follow the rule"),
            image,
            resource: self.default_resource().parse().expect("the three resources follow the rule"),
            port: self.port(),
            health_path: self.health_path().to_owned(),
            arguments: self.arguments().iter().map(|&argument| argument.to_owned()).collect(),
            environment: Vec::new(),
            registry: None,
            concurrency: 1,
        })
    }
}

impl fmt::Display for PodKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Everything the service has to know to run a pod.
#[derive(Debug, Clone)]
pub struct PodSpecification {
    /// Its name on the account.
    pub name: PodName,
    /// The container image.
    pub image: String,
    /// The machine.
    pub resource: ResourceName,
    /// The one port that is reachable from outside.
    pub port: u16,
    /// Path of the health check, beginning with a slash.
    pub health_path: String,
    /// Arguments to the image's entrypoint, which stays in place.
    pub arguments: Vec<String>,
    /// Environment variables; their values may be tokens, so they are treated as secrets.
    pub environment: Vec<EnvironmentVariable>,
    /// For a private image.
    pub registry: Option<RegistryLogin>,
    /// Requests the gateway lets through at once; known to the SERVERLESS type only, 1 in the official client.
    pub concurrency: u32,
}

/// One environment variable of a pod.
#[derive(Debug, Clone)]
pub struct EnvironmentVariable {
    /// Its name.
    pub name: String,
    /// Its value: a secret until shown otherwise.
    pub value: SecretString,
}

/// User and password for a private registry.
#[derive(Debug, Clone)]
pub struct RegistryLogin {
    /// Address of the registry, as the image's name or the cloud knows it.
    pub server: String,
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: SecretString,
}

/// Why a text does not hold a registry login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a registry login is written user:password")]
pub struct InvalidRegistryLogin;

impl RegistryLogin {
    /// Reads `user:password` (the password may hold colons), for the registry that the image comes from.
    pub fn parse(text: &str, image: &str) -> Result<Self, InvalidRegistryLogin> {
        let (username, password) = text.trim().split_once(':').ok_or(InvalidRegistryLogin)?;
        if username.is_empty() || password.is_empty() {
            return Err(InvalidRegistryLogin);
        }
        Ok(Self { server: registry_of(image), username: username.to_owned(), password: password.into() })
    }
}

/// The registry an image reference names: its first part when that looks like a host, else Docker Hub's old address,
/// which is what the official client sends.
fn registry_of(image: &str) -> String {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host.to_owned(),
        _ => "https://index.docker.io/v1/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn names_are_exact() {
        assert_eq!(PodKind::from_name("render"), Some(PodKind::Renderer));
        for other in ["renderer", "generator-2", "Generator", "judge ", ""] {
            assert_eq!(PodKind::from_name(other), None, "{other}");
        }
    }

    #[test]
    fn every_kind_has_a_specification() {
        let judge = PodKind::Judge.specification(None).expect("has its own image");
        assert_eq!(judge.arguments.first().map(String::as_str), Some("zai-org/GLM-4.6V-Flash"));
        assert_eq!(judge.arguments.len(), 18);
        assert!(PodKind::Generator.specification(None).is_none(), "the generator's image is the miner's own");
        let generator = PodKind::Generator.specification(Some("example.com/gen:1".to_owned())).expect("image given");
        assert_eq!((generator.port, generator.resource.as_str()), (10_006, "h200-large"));
    }

    #[test]
    fn a_login_goes_to_the_registry_of_the_image() {
        let login = RegistryLogin::parse("me:pa:ss", "ghcr.io/me/image:1").expect("a login");
        assert_eq!((login.server.as_str(), login.username.as_str()), ("ghcr.io", "me"));
        assert_eq!(login.password.expose_secret(), "pa:ss");
        for image in ["me/image:1", "image", "image:1"] {
            assert_eq!(RegistryLogin::parse("me:x", image).expect("a login").server, "https://index.docker.io/v1/");
        }
        for bad in ["", "me", ":x", "me:"] {
            assert_eq!(RegistryLogin::parse(bad, "image").unwrap_err(), InvalidRegistryLogin, "{bad}");
        }
    }
}
