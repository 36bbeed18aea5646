//! The host's side of the contract with adapters, generated from `wit/`: one module for each released version.
//!
//! It is a crate of its own because the generated code is slow to compile and changes rarely. Nothing but
//! `flightdeck::adapters` may use it: its types stop there.

#![allow(missing_docs, reason = "generated: the documentation is in the WIT files")]

/// Package `flightdeck:ad-server@1.0.0`.
pub mod v1_0 {
    #[cfg(not(feature = "arbitrary"))]
    wasmtime::component::bindgen!({
        path: "../../wit/v1.0",
        world: "adapter",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });

    // For the fuzz targets: bindgen takes no conditional derive.
    #[cfg(feature = "arbitrary")]
    wasmtime::component::bindgen!({
        path: "../../wit/v1.0",
        world: "adapter",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize, arbitrary::Arbitrary],
    });
}
