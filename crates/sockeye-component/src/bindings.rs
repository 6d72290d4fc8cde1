//! What wit-bindgen makes of the WIT package.

#[cfg(not(feature = "codec"))]
wit_bindgen::generate!({
    world: "endpoint-component",
    path: "../../wit",
});

#[cfg(feature = "codec")]
wit_bindgen::generate!({
    world: "codec-component",
    path: "../../wit",
});
