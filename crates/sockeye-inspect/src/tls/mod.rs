//! Decrypts TLS 1.2 and 1.3 with a key log ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446),
//! [RFC 5246](https://www.rfc-editor.org/rfc/rfc5246)).
//!
//! It reads along, and checks nothing but what it needs: no certificates, no transcripts. A record that decrypts has the right tag, though, and
//! so it is what was sent.

mod error;
mod half;
mod hello;
mod keylog;
mod keys;
mod messages;
mod records;
mod suite;
#[cfg(test)]
mod tests;

use core::fmt;

pub(crate) use self::{error::TlsError, keylog::KeyLog};
use self::{
    half::{Half, Phase},
    hello::{ClientHello, ServerHello, accepts_early_data},
    keylog::Label,
    keys::Keys,
    messages::{CLIENT_HELLO, ENCRYPTED_EXTENSIONS, FINISHED, KEY_UPDATE},
    suite::Suite,
};

/// One TLS connection.
///
/// Give the bytes of each side to [`receive`](Self::receive) as they were captured, and what is lost of them to [`missing`](Self::missing).
///
/// # Memory
///
/// The record that has begun, for each side, and some 3 KiB of keys. While a side waits for secrets, or for what the other side says in the
/// handshake, up to 256 KiB of it.
#[derive(Default)]
pub(crate) struct Tls {
    client: Option<ClientHello>,
    /// How many ClientHellos there were.
    hellos: u32,
    server: Option<ServerHello>,
    /// Whether there was a HelloRetryRequest.
    retried: bool,
    /// Whether the server accepted 0-RTT.
    early_accepted: bool,
    /// The client's, and the server's.
    halves: [Half; 2],
    /// Why nothing can be decrypted.
    failed: Option<TlsError>,
    /// What was decrypted last.
    text: Vec<u8>,
}

/// A record.
#[derive(Clone, Copy)]
struct Record<'a> {
    header: [u8; 5],
    fragment: &'a [u8],
}

/// What to do after a record was looked at.
enum Step {
    /// It has been dealt with.
    Taken,
    /// It has to wait for the other side.
    Wait,
}

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

/// RFC 5246 §6.2.3: the longest fragment; in TLS 1.3 it is shorter.
const FRAGMENT: u16 = 16_384 + 2_048;
/// What is kept of a side that waits.
const WAITING: usize = 256 * 1_024;
/// How many records are passed over at most because their keys are not in the log: those of 0-RTT, and those of the handshake.
const PASSED_OVER: u32 = 4_096;

impl Tls {
    /// A connection of which nothing is known yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of a side, and appends the application's data of this side to `plain`.
    ///
    /// Data can wait, for secrets that are not in the log yet or, with 0-RTT, for the server's hello: then it comes out of a later call for the
    /// same side, which may have no bytes.
    ///
    /// # Errors
    ///
    /// [`TlsError`]. After `KeyMissing`, call again when there are more secrets; other errors come back with each call for this side. What was
    /// appended to `plain` is right in any case.
    pub(crate) fn receive(
        &mut self,
        from_client: bool,
        bytes: &[u8],
        keys: &KeyLog,
        plain: &mut Vec<u8>,
    ) -> Result<(), TlsError> {
        let side = usize::from(!from_client);
        if let Some(error) = self.failed.or(self.halves[side].failed) {
            return Err(error);
        }
        let mut buffer = core::mem::take(&mut self.halves[side].buffer);
        buffer.extend_from_slice(bytes);
        let mut at = 0;
        let mut result = loop {
            let rest = &buffer[at..];
            let taken = if self.halves[side].lost {
                self.find_record(side, rest, keys, plain)
            } else {
                self.next_record(side, rest, keys, plain)
            };
            match taken {
                Ok(Some(len)) => at += len,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        buffer.drain(..at);
        if buffer.len() > WAITING {
            result = Err(TlsError::WaitedTooLong);
        }
        let half = &mut self.halves[side];
        match result {
            Ok(()) => {
                half.buffer = buffer;
                half.notice.take().map_or(Ok(()), Err)
            }
            Err(error) => {
                if matches!(error, TlsError::KeyMissing { .. }) {
                    half.buffer = buffer;
                } else {
                    half.failed = Some(error);
                }
                Err(error)
            }
        }
    }

    /// `len` bytes of a side are lost. What follows is looked through for a record that decrypts; see [`take_gap`](Self::take_gap) then.
    pub(crate) fn missing(&mut self, from_client: bool, len: u64) {
        let half = &mut self.halves[usize::from(!from_client)];
        half.lost = true;
        half.lost_bytes = half
            .lost_bytes
            .saturating_add(half.buffer.len() as u64)
            .saturating_add(len);
        half.buffer = Vec::new();
        half.messages = messages::Messages::default();
    }

    /// How many bytes of the application's data are lost before what the last call of [`receive`](Self::receive) appended for this side, as far as
    /// that can be known: records with padding, tickets or new keys among what was lost make it too many.
    pub(crate) fn take_gap(&mut self, from_client: bool) -> u64 {
        core::mem::take(&mut self.halves[usize::from(!from_client)].gap)
    }

    /// The version and the cipher suite, such as `TLS 1.3, TLS_AES_128_GCM_SHA256`, once the server has chosen.
    pub(crate) fn description(&self) -> Option<String> {
        let server = self.server?;
        let version = if server.version == TLS13 {
            "1.3"
        } else {
            "1.2"
        };
        Some(match suite::name(server.suite) {
            Some(name) => format!("TLS {version}, {name}"),
            None => format!("TLS {version}, cipher suite {:#06x}", server.suite),
        })
    }

    /// Deals with the record that `rest` begins with, and says how long it is; `None` when it is not all there or has to wait.
    fn next_record(
        &mut self,
        side: usize,
        rest: &[u8],
        keys: &KeyLog,
        plain: &mut Vec<u8>,
    ) -> Result<Option<usize>, TlsError> {
        let Some(&header) = rest.first_chunk() else {
            return Ok(None);
        };
        if !is_header(header) {
            return Err(TlsError::NotTls);
        }
        let len = 5 + fragment_len(header);
        let Some(fragment) = rest.get(5..len) else {
            return Ok(None);
        };
        let record = Record { header, fragment };
        let step = match self.halves[side].phase {
            Phase::Clear => self.clear(side, record, keys, plain)?,
            Phase::Handshake => self.handshake(side, record, keys, plain)?,
            Phase::Application => self.application(side, record, keys, plain)?,
        };
        Ok(match step {
            Step::Taken => Some(len),
            Step::Wait => None,
        })
    }

    /// Has the keys of the application's data ready.
    fn find_keys(&mut self, side: usize, keys: &KeyLog) -> Result<(), TlsError> {
        if self.halves[side].keys.is_some() {
            return Ok(());
        }
        if self.is_tls13() {
            let label = [Label::ClientTraffic, Label::ServerTraffic][side];
            self.halves[side].keys = Some(self.tls13_keys(label, keys)?);
            return Ok(());
        }
        let (client, server, suite) = self.hellos()?;
        let master = secret(Label::ClientRandom, client, keys)?;
        let found = Keys::tls12(suite, master, &client.random, &server.random)
            .ok_or(TlsError::Suite(server.suite))?;
        let [of_client, of_server] = found;
        self.halves[side].keys = Some(if side == CLIENT { of_client } else { of_server });
        Ok(())
    }

    fn tls13_keys(&self, label: Label, keys: &KeyLog) -> Result<Keys, TlsError> {
        let (client, _, suite) = self.hellos()?;
        let missing = TlsError::KeyMissing {
            label,
            client_random: client.random,
        };
        Keys::tls13(suite, secret(label, client, keys)?).ok_or(missing)
    }

    fn hellos(&self) -> Result<(ClientHello, ServerHello, Suite), TlsError> {
        let (Some(client), Some(server)) = (self.client, self.server) else {
            return Err(TlsError::HandshakeMissing);
        };
        let suite = Suite::new(server.suite).ok_or(TlsError::Suite(server.suite))?;
        Ok((client, server, suite))
    }

    fn is_tls13(&self) -> bool {
        self.server.is_some_and(|server| server.version == TLS13)
    }

    /// TLS 1.3: deals with what was decrypted.
    fn content(&mut self, side: usize, plain: &mut Vec<u8>) -> Result<(), TlsError> {
        let kind = inner(&mut self.text);
        self.dispatch(side, kind, plain)
    }

    fn dispatch(&mut self, side: usize, kind: u8, plain: &mut Vec<u8>) -> Result<(), TlsError> {
        match kind {
            APPLICATION_DATA if self.halves[side].phase == Phase::Application => {
                plain.extend_from_slice(&self.text);
            }
            HANDSHAKE => {
                self.halves[side].messages.push(&self.text);
                while let Some((kind, body)) = self.halves[side].messages.next() {
                    self.message(side, kind, &body, plain)?;
                }
            }
            ALERT => {
                let text = core::mem::take(&mut self.text);
                let result = self.alert(side, &text);
                self.text = text;
                result?;
            }
            CHANGE_CIPHER_SPEC => return Err(TlsError::Renegotiation),
            _ => return Err(TlsError::NotTls),
        }
        Ok(())
    }

    /// An encrypted handshake message.
    fn message(
        &mut self,
        side: usize,
        kind: u8,
        body: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<(), TlsError> {
        let tls13 = self.is_tls13();
        let half = &mut self.halves[side];
        match kind {
            CLIENT_HELLO => return Err(TlsError::Renegotiation),
            ENCRYPTED_EXTENSIONS if side == SERVER && tls13 => {
                self.early_accepted = accepts_early_data(body);
            }
            FINISHED if half.phase == Phase::Handshake => {
                half.phase = Phase::Application;
                half.keys = None;
                half.early_keys = None;
                let early = core::mem::take(&mut half.early);
                if half.early_ended {
                    plain.extend_from_slice(&early);
                } else if side == CLIENT && self.early_accepted {
                    half.notice = self.client.map(|hello| TlsError::KeyMissing {
                        label: Label::ClientEarly,
                        client_random: hello.random,
                    });
                }
            }
            KEY_UPDATE if half.phase == Phase::Application && tls13 => {
                half.keys = half.keys.as_ref().and_then(Keys::updated);
                if half.keys.is_none() {
                    return Err(TlsError::NotTls);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn alert(&self, side: usize, body: &[u8]) -> Result<(), TlsError> {
        /// RFC 8446 §6.1: these two end the connection as it should be.
        const CLOSE_NOTIFY: u8 = 0;
        const USER_CANCELED: u8 = 90;
        match *body {
            [_, CLOSE_NOTIFY | USER_CANCELED] => Ok(()),
            // In TLS 1.3 the level says nothing.
            [level, code] if level == 2 || self.is_tls13() => Err(TlsError::Alert {
                from_client: side == CLIENT,
                code,
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("server", &self.server)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

fn secret(label: Label, client: ClientHello, keys: &KeyLog) -> Result<keylog::Secret, TlsError> {
    keys.get(label, &client.random).ok_or(TlsError::KeyMissing {
        label,
        client_random: client.random,
    })
}

/// Takes the type of a record, and the padding, off the end of what was decrypted (RFC 8446 §5.2). 0: there is none.
fn inner(text: &mut Vec<u8>) -> u8 {
    while let Some(byte) = text.pop() {
        if byte != 0 {
            return byte;
        }
    }
    0
}

fn is_header(header: [u8; 5]) -> bool {
    let len = u16::from_be_bytes([header[3], header[4]]);
    matches!(header[0], CHANGE_CIPHER_SPEC..=APPLICATION_DATA)
        && header[1] == 3
        && header[2] <= 4
        && len <= FRAGMENT
}

const fn fragment_len(header: [u8; 5]) -> usize {
    u16::from_be_bytes([header[3], header[4]]) as usize
}
