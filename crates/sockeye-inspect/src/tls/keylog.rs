//! The key log that browsers and TLS libraries write (`SSLKEYLOGFILE`).

use core::fmt;
use std::collections::HashMap;

/// The secrets of a key log, by connection.
#[derive(Default)]
pub(crate) struct KeyLog {
    secrets: HashMap<(Label, [u8; 32]), Secret>,
}

/// What a line of the log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    /// The master secret of TLS 1.2.
    ClientRandom,
    /// TLS 1.3: what the client sends before the handshake is done (0-RTT).
    ClientEarly,
    /// TLS 1.3: the client's part of the handshake.
    ClientHandshake,
    /// TLS 1.3: the server's part of the handshake.
    ServerHandshake,
    /// TLS 1.3: what the client sends.
    ClientTraffic,
    /// TLS 1.3: what the server sends.
    ServerTraffic,
}

/// A secret of 32 or 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret {
    bytes: [u8; 48],
    len: u8,
}

impl KeyLog {
    /// No secrets.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds the secrets of whole lines. Lines that say nothing here (comments, `EXPORTER_SECRET`, `RSA`) and lines of more than 4 KiB are passed
    /// over, and so is everything from the millionth secret on. Of two for the same purpose the first one counts.
    pub(crate) fn extend(&mut self, text: &[u8]) {
        for line in text.split(|&byte| matches!(byte, b'\n' | b'\r')) {
            if line.len() <= LINE
                && let Some((purpose, secret)) = parse(line)
                && self.secrets.len() < SECRETS
            {
                self.secrets.entry(purpose).or_insert(secret);
            }
        }
    }

    pub(super) fn get(&self, label: Label, client_random: &[u8; 32]) -> Option<Secret> {
        self.secrets.get(&(label, *client_random)).copied()
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLog")
            .field("secrets", &self.secrets.len())
            .finish()
    }
}

impl Label {
    const ALL: [Self; 6] = [
        Self::ClientRandom,
        Self::ClientEarly,
        Self::ClientHandshake,
        Self::ServerHandshake,
        Self::ClientTraffic,
        Self::ServerTraffic,
    ];

    /// The word at the beginning of the line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClientRandom => "CLIENT_RANDOM",
            Self::ClientEarly => "CLIENT_EARLY_TRAFFIC_SECRET",
            Self::ClientHandshake => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            Self::ServerHandshake => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            Self::ClientTraffic => "CLIENT_TRAFFIC_SECRET_0",
            Self::ServerTraffic => "SERVER_TRAFFIC_SECRET_0",
        }
    }
}

impl Secret {
    /// A secret of these bytes, if they are 32 or 48.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        if !matches!(bytes.len(), 32 | 48) {
            return None;
        }
        let mut secret = Self {
            bytes: [0; 48],
            len: bytes.len() as u8,
        };
        secret.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(secret)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

/// The longest line that is read; a secret has about 170.
const LINE: usize = 4_096;
/// The most secrets, in some 100 MB.
const SECRETS: usize = 1_000_000;

fn parse(line: &[u8]) -> Option<((Label, [u8; 32]), Secret)> {
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let name = words.next()?;
    let label = Label::ALL
        .into_iter()
        .find(|label| label.name().as_bytes() == name)?;
    let mut random = [0; 32];
    if unhex(words.next()?, &mut random)? != 32 {
        return None;
    }
    let mut secret = [0; 48];
    let len = unhex(words.next()?, &mut secret)?;
    let secret = Secret::new(&secret[..len])?;
    if words.next().is_some() || label == Label::ClientRandom && len != 48 {
        return None;
    }
    Some(((label, random), secret))
}

/// Reads hexadecimal digits into the beginning of `out`, and says how many bytes they were.
fn unhex(digits: &[u8], out: &mut [u8]) -> Option<usize> {
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() > out.len() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for (&[high, low], out) in pairs.iter().zip(out) {
        *out = (digit(high)? << 4 | digit(low)?) as u8;
    }
    Some(pairs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_label_and_client_random() {
        let mut log = KeyLog::new();
        let random = "0f".repeat(32);
        let text = format!(
            "# comment\r\n\
             CLIENT_TRAFFIC_SECRET_0 {random} {}\r\n\
             SERVER_TRAFFIC_SECRET_0  {random}  {} \n\
             EXPORTER_SECRET {random} {}\n\
             CLIENT_RANDOM {random} {}",
            "aB".repeat(32),
            "cd".repeat(48),
            "00".repeat(32),
            "ef".repeat(48),
        );
        log.extend(text.as_bytes());
        let get = |label| {
            log.get(label, &[0x0f; 32])
                .map(|secret| secret.as_bytes().to_vec())
        };
        assert_eq!(get(Label::ClientTraffic), Some(vec![0xab; 32]));
        assert_eq!(get(Label::ServerTraffic), Some(vec![0xcd; 48]));
        assert_eq!(get(Label::ClientRandom), Some(vec![0xef; 48]));
        assert_eq!(get(Label::ServerHandshake), None);
        assert!(log.get(Label::ClientTraffic, &[0; 32]).is_none());
    }

    #[test]
    fn lines_that_are_not_as_they_should_be_are_passed_over() {
        let mut log = KeyLog::new();
        let random = "0f".repeat(32);
        for line in [
            String::new(),
            "CLIENT_RANDOM".into(),
            format!("CLIENT_RANDOM {random}"),
            format!("CLIENT_RANDOM {random} {}", "ef".repeat(32)),
            format!("CLIENT_RANDOM {random} {} more", "ef".repeat(48)),
            format!("CLIENT_RANDOM {random}0 {}", "ef".repeat(48)),
            format!("CLIENT_RANDOM {} {}", "0f".repeat(31), "ef".repeat(48)),
            format!("CLIENT_RANDOM {random} {}", "eg".repeat(48)),
            format!("CLIENT_TRAFFIC_SECRET_0 {random} {}", "ef".repeat(33)),
            format!("CLIENT_TRAFFIC_SECRET_0 {random} {}", "ef".repeat(49)),
            format!(
                "CLIENT_RANDOM {random}{}{}",
                " ".repeat(4_096),
                "ef".repeat(48)
            ),
        ] {
            log.extend(line.as_bytes());
            assert!(log.secrets.is_empty(), "{line}");
        }
    }

    #[test]
    fn the_first_secret_of_a_kind_counts() {
        let mut log = KeyLog::new();
        for secret in ["11", "22"] {
            let line = format!("CLIENT_RANDOM {} {}\n", "0f".repeat(32), secret.repeat(48));
            log.extend(line.as_bytes());
        }
        let secret = log.get(Label::ClientRandom, &[0x0f; 32]);
        assert_eq!(secret.expect("it is there").as_bytes(), [0x11; 48]);
    }
}
