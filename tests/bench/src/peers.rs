//! The settings of the peers that the in-memory and the TCP measurements share.

/// The extension that every deflate measurement agrees on. Without context takeover each message costs the same, however often it
/// comes; with it, a repeated message would shrink to a back reference.
pub const DEFLATE_OFFER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// sockudo-ws without pings and idle timers, which no other server here has on.
pub fn sockudo_config() -> sockudo_ws::Config {
    sockudo_ws::Config::builder()
        .auto_ping(false)
        .idle_timeout(0)
        .build()
}

/// permessage-deflate of sockudo-ws: level 6, 15 bits, no context takeover.
pub fn sockudo_deflate() -> sockudo_ws::DeflateConfig {
    sockudo_ws::DeflateConfig {
        server_max_window_bits: sockudo_ws::DeflateWindowBits::Bits15,
        client_max_window_bits: sockudo_ws::DeflateWindowBits::Bits15,
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        compression_level: 6,
        compression_threshold: 32,
    }
}

/// yawc with text checked, which it leaves out by default, and read and write buffers of `buffer` bytes.
///
/// With deflate: level 6, no context takeover, and its pool of deflate states, which its documentation recommends for that.
pub fn yawc_options(deflate: bool, buffer: usize) -> yawc::Options {
    let options = yawc::Options::default()
        .with_utf8()
        .with_limits(4 << 20, 8 << 20)
        .with_read_buffer_capacity(buffer)
        .with_write_buffer_capacity(buffer)
        .with_backpressure_boundary(buffer);
    if !deflate {
        return options;
    }
    options
        .with_compression_level(yawc::CompressionLevel::new(6))
        .server_no_context_takeover()
        .client_no_context_takeover()
}
