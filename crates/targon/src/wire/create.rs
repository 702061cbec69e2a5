//! The bodies that register a workload: one builder, two types, and nothing in a body that its type does not know,
//! because unknown fields are refused. Field names and values follow the official clients' recorded requests.

use std::fmt;

use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::pod::PodSpecification;

/// The two kinds of workload that run a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkloadType {
    /// A rented container; the current generation (July 2026).
    Rental,
    /// A scaled container; the generation of the last package release of the official client (March 2026).
    Serverless,
}

impl WorkloadType {
    /// The word in a create body.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rental => "RENTAL",
            Self::Serverless => "SERVERLESS",
        }
    }

    /// The word in a query of the inventory.
    pub fn inventory_word(self) -> &'static str {
        match self {
            Self::Rental => "rental",
            Self::Serverless => "serverless",
        }
    }
}

impl fmt::Display for WorkloadType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Serialize)]
struct CreateBody<'a> {
    #[serde(rename = "type")]
    workload_type: &'static str,
    name: &'a str,
    image: &'a str,
    resource_name: &'a str,
    ports: [PortBody; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    envs: Vec<Variable<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    args: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_auth: Option<RegistryAuth<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serverless_config: Option<ServerlessConfig>,
}

#[derive(Serialize)]
struct PortBody {
    #[serde(rename = "port")]
    number: u16,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<&'static str>,
}

#[derive(Serialize)]
struct Variable<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct RegistryAuth<'a> {
    server: &'a str,
    username: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
struct ServerlessConfig {
    min_replicas: u32,
    max_replicas: u32,
    container_concurrency: u32,
    target_concurrency: u32,
    visibility: &'static str,
}

/// The JSON body that registers this pod. It holds secrets in the clear: to be sent, never shown.
pub fn create_body(pod: &PodSpecification, workload_type: WorkloadType) -> Vec<u8> {
    let serverless = workload_type == WorkloadType::Serverless;
    let body = CreateBody {
        workload_type: workload_type.as_str(),
        name: pod.name.as_str(),
        image: pod.image.as_str(),
        resource_name: pod.resource.as_str(),
        ports: [PortBody { number: pod.port, protocol: "TCP", routing: (!serverless).then_some("PROXIED") }],
        envs: pod
            .environment
            .iter()
            .map(|variable| Variable { name: &variable.name, value: variable.value.expose_secret() })
            .collect(),
        args: &pod.arguments,
        registry_auth: pod.registry.as_ref().map(|login| RegistryAuth {
            server: &login.server,
            username: &login.username,
            password: login.password.expose_secret(),
        }),
        serverless_config: serverless.then_some(ServerlessConfig {
            min_replicas: 1,
            max_replicas: 1,
            container_concurrency: pod.concurrency,
            target_concurrency: pod.concurrency,
            visibility: "external",
        }),
    };
    serde_json::to_vec(&body).expect("text, numbers and lists always become JSON")
}
