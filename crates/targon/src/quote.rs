//! What a pod would cost: the machine looked up in the inventory, its price, and the type it is rented as.
//! Nothing is bought here.

use std::fmt;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::text;

use crate::amount::HourlyPrice;
use crate::client::{TargonClient, type_is_gone};
use crate::error::TargonError;
use crate::names::ResourceName;
use crate::wire::{Offer, WorkloadType};

/// How the type of a workload is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TypeChoice {
    /// RENTAL where the resource is free for it, else SERVERLESS.
    #[default]
    Automatic,
    /// This one or none.
    Only(WorkloadType),
}

/// A machine that can be had at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The machine.
    pub resource: ResourceName,
    /// What it is rented as; not changed any more once deployed.
    pub workload_type: WorkloadType,
    /// Its price, where the inventory says it.
    pub cost_per_hour: Option<HourlyPrice>,
    /// How many are free.
    pub available: i64,
}

/// Why there is no machine to be had.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    /// The inventory could not be read.
    #[error(transparent)]
    Targon(#[from] TargonError),
    /// No inventory lists the resource.
    #[error("Targon offers no resource `{resource}`{available}")]
    UnknownResource {
        /// What was asked for.
        resource: ResourceName,
        /// What there is instead.
        available: Offers,
    },
    /// The resource exists, but none is free.
    #[error("no `{resource}` is free on Targon at the moment{available}")]
    SoldOut {
        /// What was asked for.
        resource: ResourceName,
        /// What there is instead.
        available: Offers,
    },
    /// The service no longer knows the type that was insisted on.
    #[error("Targon no longer knows workloads of type {workload_type}")]
    TypeGone {
        /// The type.
        workload_type: WorkloadType,
    },
}

impl Explain for QuoteError {
    fn blame(&self) -> Blame {
        match self {
            Self::Targon(error) => error.blame(),
            Self::UnknownResource { .. } | Self::TypeGone { .. } => Blame::User,
            Self::SoldOut { .. } => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Targon(error) => return error.hint(),
            Self::UnknownResource { .. } => Some("choose one of the free ones with --resource"),
            Self::SoldOut { .. } => Some("try again later, or choose one of the free ones with --resource"),
            Self::TypeGone { .. } => Some("leave --targon-type away: it finds the type by itself"),
        }
        .map(Hint::Borrowed)
    }
}

/// Offers with at least one machine free.
#[derive(Debug, Clone, PartialEq)]
pub struct Offers(Vec<Offer>);

impl Offers {
    fn free(mut offers: Vec<Offer>) -> Self {
        offers.retain(Offer::is_available);
        offers.sort_by(|one, other| (one.cost_per_hour, &one.name).cmp(&(other.cost_per_hour, &other.name)));
        offers.dedup_by(|one, other| one.name == other.name);
        Self(offers)
    }
}

/// `; free are: cpu-small $0.09/h (8 free), …`, cheapest first.
impl fmt::Display for Offers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, offer) in self.0.iter().enumerate() {
            formatter.write_str(if index == 0 { "; free are: " } else { ", " })?;
            let shown = text::line(&offer.to_string());
            formatter.write_str(&shown)?;
        }
        Ok(())
    }
}

impl TargonClient {
    /// Looks the machine up: RENTAL first, then SERVERLESS, unless one of them is insisted on.
    pub async fn quote(&self, resource: &ResourceName, choice: TypeChoice) -> Result<Quote, QuoteError> {
        let types: &[WorkloadType] = match &choice {
            TypeChoice::Automatic => &[WorkloadType::Rental, WorkloadType::Serverless],
            TypeChoice::Only(workload_type) => std::slice::from_ref(workload_type),
        };
        let mut seen: Vec<Offer> = Vec::new();
        for &workload_type in types {
            let offers = match self.inventory(workload_type).await {
                Ok(offers) => offers,
                Err(error) if type_is_gone(&error) => {
                    if choice == TypeChoice::Only(workload_type) {
                        return Err(QuoteError::TypeGone { workload_type });
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(offer) = offers.iter().find(|offer| offer.name == resource.as_str() && offer.is_available()) {
                return Ok(Quote {
                    resource: resource.clone(),
                    workload_type,
                    cost_per_hour: offer.cost_per_hour,
                    available: offer.available,
                });
            }
            seen.extend(offers);
        }
        let resource = resource.clone();
        let known = seen.iter().any(|offer| offer.name == resource.as_str());
        let available = Offers::free(seen);
        Err(if known {
            QuoteError::SoldOut { resource, available }
        } else {
            QuoteError::UnknownResource { resource, available }
        })
    }
}
