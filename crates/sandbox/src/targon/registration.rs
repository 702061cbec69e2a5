//! Bodies that register a workload, read strictly: each type knows its own fields and refuses all others.
//! Fields and their types are those of the official clients' requests.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalogue;
use super::reply::Problem;

/// The two types the fake knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WorkloadType {
    /// The current generation.
    Rental,
    /// The generation before.
    Serverless,
}

impl WorkloadType {
    pub(super) fn inventory_word(self) -> &'static str {
        match self {
            Self::Rental => "rental",
            Self::Serverless => "serverless",
        }
    }
}

/// A registration that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    pub(super) workload_type: WorkloadType,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) machine: &'static catalogue::Machine,
    /// The first port that is reachable from outside.
    pub(super) port: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RentalBody {
    #[serde(rename = "type")]
    _workload_type: WorkloadType,
    name: String,
    image: String,
    resource_name: String,
    #[serde(default)]
    ports: Vec<PortBody>,
    #[serde(default)]
    envs: Vec<Variable>,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    registry_auth: Option<RegistryAuth>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerlessBody {
    #[serde(rename = "type")]
    _workload_type: WorkloadType,
    name: String,
    image: String,
    resource_name: String,
    #[serde(default)]
    ports: Vec<PortBody>,
    #[serde(default)]
    envs: Vec<Variable>,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    registry_auth: Option<RegistryAuth>,
    serverless_config: ServerlessConfig,
    #[serde(rename = "app_id")]
    _app_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortBody {
    port: u16,
    protocol: Option<Protocol>,
    #[serde(rename = "routing")]
    _routing: Option<Routing>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Protocol {
    Tcp,
    Udp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Routing {
    Proxied,
    Direct,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    name: String,
    #[serde(rename = "value")]
    _value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistryAuth {
    server: String,
    username: String,
    password: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerlessConfig {
    min_replicas: Option<u32>,
    max_replicas: Option<u32>,
    container_concurrency: Option<u32>,
    target_concurrency: Option<u32>,
    #[serde(rename = "initial_replicas")]
    _initial_replicas: Option<u32>,
    #[serde(rename = "scale_up_delay")]
    _scale_up_delay: Option<String>,
    #[serde(rename = "scale_down_delay")]
    _scale_down_delay: Option<String>,
    #[serde(rename = "zero_grace_period")]
    _zero_grace_period: Option<String>,
    #[serde(rename = "scaling_metric")]
    _scaling_metric: Option<String>,
    #[serde(rename = "target_value")]
    _target_value: Option<f64>,
    visibility: Option<Visibility>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Visibility {
    External,
    ClusterLocal,
}

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<Registration, Problem> {
    let refused = |error: serde_json::Error| Problem::bad_request(format!("invalid body: {error}"));
    let value: Value = serde_json::from_slice(body).map_err(refused)?;
    match value.get("type").and_then(Value::as_str) {
        Some("RENTAL") => serde_json::from_value::<RentalBody>(value).map_err(refused)?.check(),
        Some("SERVERLESS") => serde_json::from_value::<ServerlessBody>(value).map_err(refused)?.check(),
        _ => Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "unknown workload type", "INVALID_TYPE")),
    }
}

impl RentalBody {
    fn check(self) -> Result<Registration, Problem> {
        container(&self.name, &self.image, &self.ports, &self.envs, self.registry_auth.as_ref())?;
        words(&self.commands, &self.args)?;
        Ok(Registration {
            workload_type: WorkloadType::Rental,
            machine: machine(&self.resource_name)?,
            port: self.ports.first().map(|port| port.port),
            name: self.name,
            image: self.image,
        })
    }
}

impl ServerlessBody {
    fn check(self) -> Result<Registration, Problem> {
        container(&self.name, &self.image, &self.ports, &self.envs, self.registry_auth.as_ref())?;
        words(&self.commands, &self.args)?;
        let config = &self.serverless_config;
        if config.min_replicas.unwrap_or(0) > config.max_replicas.unwrap_or(1) || config.max_replicas == Some(0) {
            return Err(Problem::bad_request("max_replicas must be at least 1 and not below min_replicas"));
        }
        if config.container_concurrency == Some(0) || config.target_concurrency == Some(0) {
            return Err(Problem::bad_request("concurrency must be at least 1"));
        }
        let external = config.visibility != Some(Visibility::ClusterLocal);
        Ok(Registration {
            workload_type: WorkloadType::Serverless,
            machine: machine(&self.resource_name)?,
            port: self.ports.first().map(|port| port.port).filter(|_| external),
            name: self.name,
            image: self.image,
        })
    }
}

fn machine(name: &str) -> Result<&'static catalogue::Machine, Problem> {
    catalogue::find(name)
        .ok_or_else(|| Problem::new(axum::http::StatusCode::BAD_REQUEST, "unknown resource", "INVALID_RESOURCE"))
}

fn container(
    name: &str,
    image: &str,
    ports: &[PortBody],
    envs: &[Variable],
    registry: Option<&RegistryAuth>,
) -> Result<(), Problem> {
    let good_name = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !good_name {
        return Err(Problem::bad_request("name must have 1 to 32 lower-case letters, digits and hyphens"));
    }
    if image.is_empty() || image.contains(char::is_whitespace) {
        return Err(Problem::bad_request("image must be an image reference"));
    }
    if ports.iter().any(|port| port.port == 0 || port.protocol == Some(Protocol::Udp)) {
        return Err(Problem::bad_request("ports must be TCP ports from 1 to 65535"));
    }
    if envs.iter().any(|variable| variable.name.is_empty() || variable.name.contains('=')) {
        return Err(Problem::bad_request("envs need names"));
    }
    if registry
        .is_some_and(|login| [&login.server, &login.username, &login.password].iter().any(|text| text.is_empty()))
    {
        return Err(Problem::bad_request("registry_auth needs server, username and password"));
    }
    Ok(())
}

fn words(commands: &[String], args: &[String]) -> Result<(), Problem> {
    if commands.iter().chain(args).any(|word| word.contains('\0')) {
        return Err(Problem::bad_request("commands and args must be text"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rental() -> Value {
        json!({
            "type": "RENTAL", "name": "judge", "image": "vllm/vllm-openai:v0.20.0", "resource_name": "cpu-small",
            "ports": [{"port": 8000, "protocol": "TCP", "routing": "PROXIED"}],
        })
    }

    fn refused(change: impl FnOnce(&mut Value)) -> String {
        let mut body = rental();
        change(&mut body);
        read(body.to_string().as_bytes()).unwrap_err().error
    }

    #[test]
    fn a_good_body_is_accepted() {
        let registration = read(rental().to_string().as_bytes()).unwrap();
        assert_eq!((registration.port, registration.machine.name), (Some(8000), "cpu-small"));
    }

    #[test]
    fn what_the_type_does_not_know_is_refused() {
        assert!(refused(|body| body["serverless_config"] = json!({})).contains("serverless_config"));
        assert!(refused(|body| body["visibility"] = json!("external")).contains("visibility"));
        assert!(refused(|body| body["ports"][0]["port"] = json!("8000")).contains("invalid type"));
        assert!(refused(|body| body["type"] = json!("SERVERLESS")).contains("serverless_config"));
        assert!(refused(|body| body["name"] = json!("Judge")).contains("lower-case"));
        assert!(refused(|body| body["resource_name"] = json!("h900-huge")).contains("unknown resource"));
    }
}
