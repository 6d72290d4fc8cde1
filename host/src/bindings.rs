//! The host's side of `world endpoint-component`, generated from `wit/`.
#![expect(clippy::exhaustive_enums, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "endpoint-component",
    with: { "sockeye:websocket/socket.socket": crate::socket::Socket },
    additional_derives: [Clone],
});

pub(crate) use self::{EndpointComponent as Endpoint, EndpointComponentPre as EndpointPre};
