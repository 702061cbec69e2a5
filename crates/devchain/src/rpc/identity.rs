//! What a node says of itself: name, chain, versions, health, next nonces.
//! Read only.

use jsonrpsee::RpcModule;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde_json::json;

use gen404_round::AccountId;

use super::method;
use crate::service::Service;

pub(super) fn register(module: &mut RpcModule<Service>) {
    method(module, "system_chain", |_, service| Ok(service.chain_name.clone()));
    method(module, "system_name", |_, _| Ok("404 development chain"));
    method(module, "system_version", |_, _| Ok(env!("CARGO_PKG_VERSION")));
    method(module, "system_chainType", |_, _| Ok("Development"));
    method(module, "system_properties", |_, _| {
        Ok(json!({ "ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO" }))
    });
    method(module, "system_health", |_, _| Ok(json!({ "peers": 0, "isSyncing": false, "shouldHavePeers": false })));
    for name in ["account_nextIndex", "system_accountNextIndex"] {
        method(module, name, next_index);
    }
}

fn next_index(params: &Params<'_>, service: &Service) -> Result<u32, ErrorObjectOwned> {
    let account: AccountId = params.one()?;
    Ok(service.node().next_nonce(account.into()))
}
