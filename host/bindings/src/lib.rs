//! The host's side of the contract with adapters, generated from the newest minor version in `wit/`.
//!
//! A minor version only adds interfaces, so a component that was built for an earlier one links with
//! the same bindings: the engine takes `steps@1.0.0` for `steps@1.1.0`
//! (docs/decisions/0013-a-minor-version-adds-interfaces.md).
//!
//! It is a crate of its own because the generated code is slow to compile and changes rarely. Nothing but
//! `flightdeck::adapters` may use it: its types stop there.

#![allow(missing_docs, reason = "generated: the documentation is in the WIT files")]

/// Package `flightdeck:ad-server@1.1.0`.
pub mod v1 {
    #[cfg(not(feature = "arbitrary"))]
    wasmtime::component::bindgen!({
        path: "../../wit/v1.1",
        world: "adapter",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });

    // For the fuzz targets: bindgen takes no conditional derive.
    #[cfg(feature = "arbitrary")]
    wasmtime::component::bindgen!({
        path: "../../wit/v1.1",
        world: "adapter",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize, arbitrary::Arbitrary],
    });
}

/// The interfaces of `flightdeck:ad-server@1.1.0` that a component may export besides `ad-server`.
pub mod optional {
    wasmtime::component::bindgen!({
        path: "../../wit/v1.1",
        inline: "
            package flightdeck:optional;
            world optional {
                export flightdeck:ad-server/account@1.1.0;
                export flightdeck:ad-server/follow-up@1.1.0;
            }
        ",
        world: "flightdeck:optional/optional",
        imports: { default: async | trappable },
        exports: { default: async },
        with: { "flightdeck:ad-server/adapter-types@1.1.0": crate::v1::flightdeck::ad_server::adapter_types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}
