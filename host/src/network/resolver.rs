//! A resolver that returns only addresses that may be dialled.
//!
//! The address that is checked is the address that is dialled. Literal IP addresses bypass a
//! resolver: [`AllowList::check_literal`] checks them.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{
    allow_list::{AddressRefused, AllowList},
    origins::Origin,
};

/// Resolves names and refuses addresses that may not be dialled.
pub(crate) struct Resolver {
    allow_list: AllowList,
    /// The ports on which each host is an allowed origin, because a resolver gets the name without
    /// the port. A private address of a host passes only if it is allowed on all of them.
    ports: Arc<HashMap<String, Vec<u16>>>,
}

impl Resolver {
    pub(crate) fn new(allow_list: AllowList, origins: &[Origin]) -> Self {
        let mut ports: HashMap<String, Vec<u16>> = HashMap::new();
        for origin in origins {
            ports.entry(origin.host.clone()).or_default().push(origin.port);
        }
        Self { allow_list, ports: Arc::new(ports) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_list, ports) = (self.allow_list.clone(), Arc::clone(&self.ports));
        Box::pin(async move {
            let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
            let ports = ports.get(&host).map_or(&[][..], Vec::as_slice);
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let may = |address: &SocketAddr| {
                !ports.is_empty() && ports.iter().all(|port| allow_list.allows(&host, *port, address.ip()))
            };
            // One refused address refuses the whole name: a name with both a public and a private
            // address may be a DNS rebinding attack.
            if let Some(refused) = found.iter().find(|address| !may(address)) {
                return Err(AddressRefused { host: host.clone(), address: refused.ip() }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
