//! The code that `wit-bindgen` generates from the contract. Authors don't use it directly:
//! everything they need is re-exported from the crate's root, and the methods of its types are in
//! the other modules.

#![allow(missing_docs, reason = "generated: the documentation is in the WIT files")]
#![allow(unsafe_code, reason = "generated: values cross the component boundary through raw memory")]
#![allow(unreachable_pub, reason = "generated")]
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    world: "adapter",
    pub_export_macro: true,
    export_macro_name: "export_adapter",
    default_bindings_module: "flightdeck_adapter::bindings",
    additional_derives: [PartialEq, Eq],
});

/// The optional interface `account`.
pub mod account {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package flightdeck:exporters;
            world account-exporter { export flightdeck:ad-server/account@1.1.0; }
        ",
        world: "flightdeck:exporters/account-exporter",
        with: { "flightdeck:ad-server/adapter-types@1.1.0": crate::bindings::flightdeck::ad_server::adapter_types },
        pub_export_macro: true,
        export_macro_name: "export_account_interface",
        default_bindings_module: "flightdeck_adapter::bindings::account",
        additional_derives: [PartialEq, Eq],
    });
}

/// The optional interface `follow-up`.
pub mod follow_up {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package flightdeck:exporters;
            world follow-up-exporter { export flightdeck:ad-server/follow-up@1.1.0; }
        ",
        world: "flightdeck:exporters/follow-up-exporter",
        with: { "flightdeck:ad-server/adapter-types@1.1.0": crate::bindings::flightdeck::ad_server::adapter_types },
        pub_export_macro: true,
        export_macro_name: "export_follow_up_interface",
        default_bindings_module: "flightdeck_adapter::bindings::follow_up",
        additional_derives: [PartialEq, Eq],
    });
}
