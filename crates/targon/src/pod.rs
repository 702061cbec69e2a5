//! The pods a miner rents: what runs in each, on which machine, and where it says that it is well.
//! Only descriptions are here; buying one is [`crate::start()`]'s job.

use std::fmt;

use gen404_outside::text::without_mark;
use secrecy::SecretString;

use crate::image::ImageReference;
use crate::key::QUOTES;
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
    pub fn image(self) -> Option<ImageReference> {
        let image = match self {
            Self::Generator => return None,
            Self::Renderer => "europe-west3-docker.pkg.dev/gen-456515/active-competition/render-service-js:0.4.3",
            Self::Judge => "vllm/vllm-openai:v0.20.0",
        };
        Some(image.parse().expect("both images follow the rule"))
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
    pub fn specification(self, own_image: Option<ImageReference>) -> Option<PodSpecification> {
        let image = own_image.or_else(|| self.image())?;
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
    pub image: ImageReference,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRegistryLogin {
    /// No user, no password, or no colon between them.
    #[error("a registry login is written user:password")]
    Form,
    /// Quotes that were meant for a shell would be sent along.
    #[error("a registry login has no quotes around it")]
    Quoted,
}

/// What Docker Hub is called in logins: its old address, which is what the official client sends.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

impl RegistryLogin {
    /// Reads `user:password` (the password may hold colons), for the registry that the image comes from.
    pub fn parse(text: &str, image: &ImageReference) -> Result<Self, InvalidRegistryLogin> {
        let text = without_mark(text.trim()).trim();
        if text.starts_with(QUOTES) {
            return Err(InvalidRegistryLogin::Quoted);
        }
        let (username, password) = text.split_once(':').ok_or(InvalidRegistryLogin::Form)?;
        if username.is_empty() || password.is_empty() {
            return Err(InvalidRegistryLogin::Form);
        }
        let server = image.registry().unwrap_or(DOCKER_HUB).to_owned();
        Ok(Self { server, username: username.to_owned(), password: password.into() })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn image(text: &str) -> ImageReference {
        text.parse().expect("an image")
    }

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
        let generator = PodKind::Generator.specification(Some(image("example.com/gen:1"))).expect("image given");
        assert_eq!((generator.port, generator.resource.as_str()), (10_006, "h200-large"));
    }

    #[test]
    fn a_login_goes_to_the_registry_of_the_image() {
        let login = RegistryLogin::parse("me:pa:ss\r\n", &image("ghcr.io/me/image:1")).expect("a login");
        assert_eq!((login.server.as_str(), login.username.as_str()), ("ghcr.io", "me"));
        assert_eq!(login.password.expose_secret(), "pa:ss");
        for name in ["me/image:1", "image", "image:1"] {
            assert_eq!(RegistryLogin::parse("me:x", &image(name)).expect("a login").server, DOCKER_HUB);
        }
        for (bad, why) in [
            ("", InvalidRegistryLogin::Form),
            ("me", InvalidRegistryLogin::Form),
            (":x", InvalidRegistryLogin::Form),
            ("me:", InvalidRegistryLogin::Form),
            ("'me:x'", InvalidRegistryLogin::Quoted),
        ] {
            assert_eq!(RegistryLogin::parse(bad, &image("image")).unwrap_err(), why, "{bad}");
        }
    }
}
