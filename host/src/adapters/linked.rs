//! A component that is linked, and the interfaces that it exports: `ad-server`, which every adapter
//! has, and those that are optional.

use flightdeck_bindings::{
    optional::exports::flightdeck::ad_server::{account, follow_up},
    v1::{Adapter, AdapterIndices, exports::flightdeck::ad_server::ad_server},
};
use wasmtime::{
    AsContextMut, Store,
    component::{Component, Instance, InstancePre},
};

use super::sandbox::CallState;

/// A component with everything that it imports, ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Linked {
    pre: InstancePre<CallState>,
    main: AdapterIndices,
    optional: Optional,
}

/// Where the optional interfaces are in a component, as far as it exports them.
#[derive(Clone)]
struct Optional {
    account: Option<account::GuestIndices>,
    follow_up: Option<follow_up::GuestIndices>,
}

impl Linked {
    /// Finds the exports of a component.
    ///
    /// # Errors
    /// When `ad-server` is not exported as the contract has it, or an optional interface is exported
    /// in another form.
    pub(crate) fn new(pre: InstancePre<CallState>, exported: &[&str]) -> wasmtime::Result<Self> {
        let exports = |interface: &str| exported.iter().any(|name| super::compatibility::is_interface(name, interface));
        let main = AdapterIndices::new(&pre)?;
        let account = exports("account").then(|| account::GuestIndices::new(&pre)).transpose()?;
        let follow_up = exports("follow-up").then(|| follow_up::GuestIndices::new(&pre)).transpose()?;
        Ok(Self { pre, main, optional: Optional { account, follow_up } })
    }

    pub(crate) fn component(&self) -> &Component {
        self.pre.component()
    }

    /// Whether it can inspect the operator's account.
    pub(crate) const fn inspects_account(&self) -> bool {
        self.optional.account.is_some()
    }

    /// Whether it follows up on what others change on the platform.
    pub(crate) const fn follows_up(&self) -> bool {
        self.optional.follow_up.is_some()
    }

    /// Makes an instance for one call.
    pub(crate) async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<Exports> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let main = self.main.load(&mut *store, &instance)?;
        Ok(Exports { instance, main, optional: self.optional.clone() })
    }
}

/// The exports of an instance.
pub(crate) struct Exports {
    instance: Instance,
    main: Adapter,
    optional: Optional,
}

impl Exports {
    /// The interface that every adapter has.
    pub(crate) fn ad_server(&self) -> &ad_server::Guest {
        self.main.flightdeck_ad_server_ad_server()
    }

    /// The interface `account`.
    ///
    /// # Errors
    /// When the component does not export it.
    pub(crate) fn account(&self, store: impl AsContextMut) -> wasmtime::Result<account::Guest> {
        let indices = self.optional.account.as_ref().ok_or_else(|| missing("account"))?;
        indices.load(store, &self.instance)
    }

    /// The interface `follow-up`.
    ///
    /// # Errors
    /// When the component does not export it.
    pub(crate) fn follow_up(&self, store: impl AsContextMut) -> wasmtime::Result<follow_up::Guest> {
        let indices = self.optional.follow_up.as_ref().ok_or_else(|| missing("follow-up"))?;
        indices.load(store, &self.instance)
    }
}

fn missing(interface: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the component does not export {interface}"))
}
