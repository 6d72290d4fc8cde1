//! The settings of the peers that the in-memory and the TCP measurements share.

use crate::payload::Compression;

/// The extension that every deflate measurement without context takeover agrees on: each message costs the same, however often it comes.
pub const DEFLATE_OFFER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What the load generator offers, and what every server then agrees to, word for word.
pub const fn offer(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::None => None,
        Compression::NoContextTakeover => Some(DEFLATE_OFFER),
        Compression::ContextTakeover => Some("permessage-deflate"),
    }
}

/// permessage-deflate of Sockeye: level 6, 15 bits.
pub fn sockeye_deflate(compression: Compression) -> sockeye::PerMessageDeflate {
    let mut deflate = sockeye::PerMessageDeflate::new(sockeye::Role::Server);
    deflate.level = 6;
    deflate.threshold = 32;
    deflate.server_max_window_bits = sockeye::WindowBits::MAX;
    deflate.client_max_window_bits = sockeye::WindowBits::MAX;
    let no_context_takeover = compression == Compression::NoContextTakeover;
    deflate.server_no_context_takeover = no_context_takeover;
    deflate.client_no_context_takeover = no_context_takeover;
    deflate
}

/// sockudo-ws without pings and idle timers, which no other server here has on.
pub fn sockudo_config() -> sockudo_ws::Config {
    sockudo_ws::Config::builder()
        .auto_ping(false)
        .idle_timeout(0)
        .build()
}

/// permessage-deflate of sockudo-ws: level 6, 15 bits.
pub fn sockudo_deflate(compression: Compression) -> sockudo_ws::DeflateConfig {
    let no_context_takeover = compression == Compression::NoContextTakeover;
    sockudo_ws::DeflateConfig {
        server_max_window_bits: sockudo_ws::DeflateWindowBits::Bits15,
        client_max_window_bits: sockudo_ws::DeflateWindowBits::Bits15,
        server_no_context_takeover: no_context_takeover,
        client_no_context_takeover: no_context_takeover,
        compression_level: 6,
        compression_threshold: 32,
    }
}

/// yawc with text checked, which it leaves out by default, and read and write buffers of `buffer` bytes.
///
/// With deflate: level 6; without context takeover its pool of deflate states, which its documentation recommends for that.
pub fn yawc_options(compression: Compression, buffer: usize) -> yawc::Options {
    let options = yawc::Options::default()
        .with_utf8()
        .with_limits(4 << 20, 8 << 20)
        .with_read_buffer_capacity(buffer)
        .with_write_buffer_capacity(buffer)
        .with_backpressure_boundary(buffer);
    let level = yawc::CompressionLevel::new(6);
    match compression {
        Compression::None => options,
        Compression::NoContextTakeover => options
            .with_compression_level(level)
            .server_no_context_takeover()
            .client_no_context_takeover(),
        Compression::ContextTakeover => options.with_compression_level(level),
    }
}
