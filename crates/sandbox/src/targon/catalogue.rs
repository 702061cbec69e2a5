//! What the fake has for rent: names, prices and numbers of 2026.
//! Counting what is left is the world's job.

use serde_json::{Value, json};

use super::registration::WorkloadType;

/// One kind of machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    pub(super) name: &'static str,
    pub(super) gpu: Option<(&'static str, u32)>,
    pub(super) vcpu: u32,
    pub(super) memory_mib: u32,
    /// US dollars an hour.
    pub(super) cost_per_hour: f64,
    /// Free at the beginning.
    pub(super) stock: u32,
}

const fn cpu(name: &'static str, vcpu: u32, cost_per_hour: f64) -> Machine {
    Machine { name, gpu: None, vcpu, memory_mib: vcpu * 2_048, cost_per_hour, stock: 8 }
}

const fn gpu(name: &'static str, kind: &'static str, count: u32, cost_per_hour: f64, stock: u32) -> Machine {
    Machine { name, gpu: Some((kind, count)), vcpu: 12 * count, memory_mib: 115_000 * count, cost_per_hour, stock }
}

/// Everything there is, for both types. One kind is sold out, so that clients can see how that looks.
pub(super) const MACHINES: &[Machine] = &[
    cpu("cpu-small", 4, 0.09),
    cpu("cpu-medium", 8, 0.18),
    cpu("cpu-large", 16, 0.36),
    cpu("cpu-xlarge", 32, 0.72),
    gpu("rtx4090-small", "RTX4090", 1, 0.6, 6),
    gpu("rtx4090-medium", "RTX4090", 2, 1.2, 3),
    gpu("rtx4090-large", "RTX4090", 4, 2.4, 1),
    gpu("rtx6000b-small", "RTX PRO 6000 Blackwell", 1, 1.6, 4),
    gpu("h100-small", "H100", 1, 2.2, 4),
    gpu("h200-small", "H200", 1, 3.3, 5),
    gpu("h200-medium", "H200", 2, 6.6, 3),
    gpu("h200-large", "H200", 4, 13.0, 2),
    gpu("h200-xlarge", "H200", 8, 26.0, 1),
    gpu("b200-small", "B200", 1, 4.6, 0),
];

/// The machine of that name.
pub(super) fn find(name: &str) -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| machine.name == name)
}

impl Machine {
    /// As the inventory shows it.
    pub(super) fn offer(&self, workload_type: WorkloadType, available: u32) -> Value {
        let (gpu_type, gpu_count) = self.gpu.unwrap_or(("", 0));
        json!({
            "name": self.name,
            "display_name": self.name,
            "description": "",
            "type": workload_type.inventory_word(),
            "gpu": self.gpu.is_some(),
            "spec": {
                "gpu_type": gpu_type,
                "gpu_count": gpu_count,
                "vcpu": self.vcpu,
                "memory": self.memory_mib,
                "storage": 0,
            },
            "cost_per_hour": self.cost_per_hour,
            "available": available,
        })
    }

    /// As a workload shows it.
    pub(super) fn resource(&self) -> Value {
        json!({"name": self.name, "display_name": self.name, "vcpu": self.vcpu, "memory": self.memory_mib})
    }
}
