//! What options can be.

use clap::ValueEnum;
use sockeye_inspect::Severity;

/// How times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Time {
    /// Seconds since the first packet of the capture.
    #[default]
    Relative,
    /// Date and time in UTC.
    Absolute,
    /// Seconds since the line before.
    Delta,
    /// Not at all.
    None,
}

/// The least severity that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Against a MUST.
    #[default]
    Violation,
    /// Against a SHOULD, or wasteful, or unsafe.
    Advice,
    /// Anything.
    Information,
}

impl FailOn {
    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Violation => Severity::Violation,
            Self::Advice => Severity::Advice,
            Self::Information => Severity::Information,
        }
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    #[default]
    Text,
    /// A JSON object on each line: frames, messages, connections or findings.
    Jsonl,
    /// Comma-separated values: frames or messages.
    Csv,
    /// HTTP Archive with messages, as Chrome writes it.
    Har,
    /// pcapng: what was decrypted is plain in it.
    Pcapng,
    /// The bytes of frames.
    Hex,
    /// SARIF 2.1.0: findings.
    Sarif,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless $NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The formats of captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// libpcap's, as tcpdump writes it.
    Pcap,
    /// pcapng, as Wireshark writes it.
    Pcapng,
    /// HTTP Archive with `_webSocketMessages`.
    Har,
    /// Chrome's net-export.
    Netlog,
    /// mitmproxy's flows.
    Mitmproxy,
    /// Bytes of a connection.
    Raw,
    /// Bytes written as text: hex, xxd, hexdump -C, base64.
    Text,
}

impl Format {
    pub(super) const fn into_inner(self) -> sockeye_inspect::Format {
        match self {
            Self::Pcap => sockeye_inspect::Format::Pcap,
            Self::Pcapng => sockeye_inspect::Format::PcapNg,
            Self::Har => sockeye_inspect::Format::Har,
            Self::Netlog => sockeye_inspect::Format::NetLog,
            Self::Mitmproxy => sockeye_inspect::Format::Mitmproxy,
            Self::Raw => sockeye_inspect::Format::Raw,
            Self::Text => sockeye_inspect::Format::Text,
        }
    }
}

/// Who sent a raw stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SentBy {
    /// The client.
    C2s,
    /// The server.
    S2c,
}
