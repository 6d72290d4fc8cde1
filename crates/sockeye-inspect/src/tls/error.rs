//! Why a TLS connection cannot be decrypted.

use core::fmt;

use super::{keylog::Label, suite};

/// Why a TLS connection, or one direction of it, cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsError {
    /// A fatal alert ended the connection.
    Alert { from_client: bool, code: u8 },
    /// The capture began later than the connection.
    HandshakeMissing,
    /// The log lacks a secret. Once it has it, the next call goes on.
    KeyMissing {
        label: Label,
        client_random: [u8; 32],
    },
    /// A record does not decrypt.
    NotDecrypted { from_client: bool, record: u64 },
    /// Bytes that are not a record.
    NotTls,
    /// Bytes are lost, and where records go on was not found.
    RecordsLost,
    /// The handshake is done again within the connection.
    Renegotiation,
    /// A cipher suite that is none of the AEAD ones.
    Suite(u16),
    /// A version other than 1.2 and 1.3.
    Version(u16),
    /// More came before the secrets, or before the other side's part of the handshake, than is kept.
    WaitedTooLong,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Alert { from_client, code } => {
                write!(f, "the {} ended the TLS connection with alert {code}", side(from_client))?;
                match alert(code) {
                    Some(name) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
            Self::HandshakeMissing => f.write_str(
                "the TLS handshake is not in the capture, and nothing can be decrypted without it: begin the capture before the connection",
            ),
            Self::KeyMissing {
                label,
                client_random,
            } => {
                write!(
                    f,
                    "the key log has no {} for the connection with the client random ",
                    label.name()
                )?;
                for byte in &client_random[..8] {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str("…")
            }
            Self::NotDecrypted {
                from_client,
                record,
            } => write!(
                f,
                "TLS record {record} of the {} does not decrypt with the keys in the key log: bytes were changed or lost, or the secrets are of another connection",
                side(from_client)
            ),
            Self::NotTls => f.write_str("bytes within the TLS connection are not a TLS record"),
            Self::RecordsLost => f.write_str(
                "bytes of the TLS connection are missing from the capture, and the records behind them do not decrypt",
            ),
            Self::Renegotiation => f.write_str(
                "the TLS handshake is done again within the connection, which cannot be decrypted",
            ),
            Self::Suite(suite) => match suite::name(suite) {
                Some(name) => write!(f, "{name} cannot be decrypted"),
                None => write!(f, "the cipher suite {suite:#06x} cannot be decrypted"),
            }
            .and_then(|()| {
                f.write_str(": of the cipher suites only AES-GCM and ChaCha20-Poly1305 can")
            }),
            Self::Version(version) => match version {
                0x0300 => f.write_str("SSL 3.0"),
                0x0301 => f.write_str("TLS 1.0"),
                0x0302 => f.write_str("TLS 1.1"),
                _ => write!(f, "TLS version {version:#06x}"),
            }
            .and_then(|()| f.write_str(" cannot be decrypted: only TLS 1.2 and 1.3 can")),
            Self::WaitedTooLong => f.write_str(
                "so much came before the secrets, or before the other side's part of the TLS handshake, that it was not kept",
            ),
        }
    }
}

impl core::error::Error for TlsError {}

const fn side(from_client: bool) -> &'static str {
    if from_client { "client" } else { "server" }
}

/// RFC 8446 §6: the alerts that say why a connection failed.
const fn alert(code: u8) -> Option<&'static str> {
    Some(match code {
        10 => "unexpected_message",
        20 => "bad_record_mac",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return None,
    })
}
