//! What records say, by how their side encrypts.

use super::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, CLIENT, HANDSHAKE, PASSED_OVER, Record, SERVER,
    Step, TLS12, TLS13, Tls, TlsError, WAITING, fragment_len,
    half::Phase,
    hello::{ClientHello, ServerHello},
    inner, is_header,
    keylog::{KeyLog, Label},
    messages::{CLIENT_HELLO, END_OF_EARLY_DATA, SERVER_HELLO},
    suite::Suite,
};

impl Tls {
    /// A record of a side that does not encrypt yet.
    pub(super) fn clear(
        &mut self,
        side: usize,
        record: Record<'_>,
        keys: &KeyLog,
        plain: &mut Vec<u8>,
    ) -> Result<Step, TlsError> {
        let version = match self.server {
            Some(server) => Some(server.version),
            None => self.retried.then_some(TLS13),
        };
        match (record.header[0], version) {
            (ALERT, _) => self.alert(side, record.fragment)?,
            (HANDSHAKE, _) => {
                self.halves[side].messages.push(record.fragment);
                while let Some((kind, body)) = self.halves[side].messages.next() {
                    self.clear_message(side, kind, &body)?;
                }
            }
            (CHANGE_CIPHER_SPEC, Some(TLS12)) => self.halves[side].phase = Phase::Application,
            // RFC 8446 §D.4: for middleboxes.
            (CHANGE_CIPHER_SPEC, Some(_)) => {}
            (APPLICATION_DATA, Some(TLS13)) if side == CLIENT => {
                if self.server.is_some() {
                    self.halves[side].phase = Phase::Handshake;
                    return self.handshake(side, record, keys, plain);
                }
                // RFC 8446 §4.2.10: a HelloRetryRequest refuses early data.
                if self.hellos > 1 {
                    return Ok(Step::Wait);
                }
            }
            (CHANGE_CIPHER_SPEC | APPLICATION_DATA, None)
                if side == CLIENT && self.client.is_some() =>
            {
                return Ok(Step::Wait);
            }
            _ => return Err(TlsError::HandshakeMissing),
        }
        Ok(Step::Taken)
    }

    fn clear_message(&mut self, side: usize, kind: u8, body: &[u8]) -> Result<(), TlsError> {
        match (side, kind) {
            (CLIENT, CLIENT_HELLO) => {
                self.client = Some(ClientHello::read(body).ok_or(TlsError::NotTls)?);
                self.hellos += 1;
            }
            (SERVER, SERVER_HELLO) => {
                let hello = ServerHello::read(body).ok_or(TlsError::NotTls)?;
                let error = if !matches!(hello.version, TLS12 | TLS13) {
                    TlsError::Version(hello.version)
                } else if Suite::new(hello.suite).is_none() {
                    TlsError::Suite(hello.suite)
                } else if hello.retry {
                    self.retried = true;
                    return Ok(());
                } else {
                    self.server = Some(hello);
                    if hello.version == TLS13 {
                        self.halves[SERVER].phase = Phase::Handshake;
                    }
                    return Ok(());
                };
                self.failed = Some(error);
                return Err(error);
            }
            _ => {}
        }
        Ok(())
    }

    /// TLS 1.3: a record of a side that has not sent its Finished.
    pub(super) fn handshake(
        &mut self,
        side: usize,
        record: Record<'_>,
        keys: &KeyLog,
        plain: &mut Vec<u8>,
    ) -> Result<Step, TlsError> {
        match record.header[0] {
            APPLICATION_DATA => {}
            CHANGE_CIPHER_SPEC => return Ok(Step::Taken),
            ALERT => return self.alert(side, record.fragment).map(|()| Step::Taken),
            _ => return Err(TlsError::NotTls),
        }
        let labels = [
            [Label::ClientHandshake, Label::ServerHandshake][side],
            [Label::ClientTraffic, Label::ServerTraffic][side],
        ];
        // A log may lack the secrets of the handshake: then the first record that decrypts with those of the application is looked for.
        let [of_handshake, of_application] = labels.map(|label| self.tls13_keys(label, keys));
        if self.halves[side].keys.is_none() {
            match of_handshake {
                Ok(found) => self.halves[side].keys = Some(found),
                Err(error) if of_application.is_err() => return Err(error),
                Err(_) => {}
            }
        }
        if let Some(found) = &mut self.halves[side].keys
            && found.decrypt(found.next, record.header, record.fragment, &mut self.text)
        {
            found.next += 1;
            self.content(side, plain)?;
            return Ok(Step::Taken);
        }
        let begun = self.halves[side]
            .keys
            .as_ref()
            .is_some_and(|keys| keys.next > 0);
        let early = side == CLIENT && !begun && self.client.is_some_and(|hello| hello.early_data);
        if early && self.early_record(record, keys)? {
            return Ok(Step::Taken);
        }
        if let Ok(mut found) = of_application
            && found.decrypt(0, record.header, record.fragment, &mut self.text)
        {
            found.next = 1;
            let half = &mut self.halves[side];
            half.keys = Some(found);
            half.phase = Phase::Application;
            self.content(side, plain)?;
            return Ok(Step::Taken);
        }
        let half = &mut self.halves[side];
        half.passed_over += 1;
        if half.passed_over > PASSED_OVER || half.keys.is_some() && !early {
            return Err(TlsError::NotDecrypted {
                from_client: side == CLIENT,
                record: half.keys.as_ref().map_or(0, |keys| keys.next),
            });
        }
        Ok(Step::Taken)
    }

    /// Whether a record is one of 0-RTT. What it says counts when the server accepted it, which the client confirms by EndOfEarlyData (RFC 8446
    /// §4.5); else the client sends it again.
    fn early_record(&mut self, record: Record<'_>, keys: &KeyLog) -> Result<bool, TlsError> {
        if self.halves[CLIENT].early_keys.is_none() {
            self.halves[CLIENT].early_keys = self.tls13_keys(Label::ClientEarly, keys).ok();
        }
        let half = &mut self.halves[CLIENT];
        let Some(keys) = &mut half.early_keys else {
            return Ok(false);
        };
        if !keys.decrypt(keys.next, record.header, record.fragment, &mut self.text) {
            return Ok(false);
        }
        keys.next += 1;
        match inner(&mut self.text) {
            APPLICATION_DATA => half.early.extend_from_slice(&self.text),
            HANDSHAKE => {
                half.messages.push(&self.text);
                while let Some((kind, _)) = half.messages.next() {
                    half.early_ended |= kind == END_OF_EARLY_DATA;
                }
            }
            _ => {}
        }
        if half.early.len() > WAITING {
            return Err(TlsError::WaitedTooLong);
        }
        Ok(true)
    }

    /// A record of a side whose application's keys are in use, or TLS 1.2 behind ChangeCipherSpec.
    pub(super) fn application(
        &mut self,
        side: usize,
        record: Record<'_>,
        keys: &KeyLog,
        plain: &mut Vec<u8>,
    ) -> Result<Step, TlsError> {
        self.find_keys(side, keys)?;
        let tls13 = self.is_tls13();
        match record.header[0] {
            CHANGE_CIPHER_SPEC if tls13 => return Ok(Step::Taken),
            ALERT | HANDSHAKE if tls13 => return Err(TlsError::NotTls),
            _ => {}
        }
        let Some(found) = &mut self.halves[side].keys else {
            return Err(TlsError::HandshakeMissing);
        };
        if !found.decrypt(found.next, record.header, record.fragment, &mut self.text) {
            return Err(TlsError::NotDecrypted {
                from_client: side == CLIENT,
                record: found.next,
            });
        }
        found.next += 1;
        if tls13 {
            self.content(side, plain)?;
        } else {
            self.dispatch(side, record.header[0], plain)?;
        }
        Ok(Step::Taken)
    }

    /// Bytes are lost: passes over bytes until a record decrypts, with one of the numbers that come next.
    pub(super) fn find_record(
        &mut self,
        side: usize,
        rest: &[u8],
        keys: &KeyLog,
        plain: &mut Vec<u8>,
    ) -> Result<Option<usize>, TlsError> {
        if self.client.is_none() || self.server.is_none() {
            return Err(TlsError::RecordsLost);
        }
        let half = &mut self.halves[side];
        if half.phase != Phase::Application {
            half.phase = Phase::Application;
            half.keys = None;
            // What was lost of the handshake is no data.
            half.lost_bytes = 0;
        }
        self.find_keys(side, keys)?;
        let mut passed = 0;
        while let Some(&header) = rest[passed..].first_chunk() {
            if header[..3] != [APPLICATION_DATA, 3, 3] || !is_header(header) {
                passed += 1;
                continue;
            }
            let Some(fragment) = rest[passed + 5..].get(..fragment_len(header)) else {
                break;
            };
            let record = Record { header, fragment };
            let half = &mut self.halves[side];
            if !half.try_numbers(record, passed as u64, &mut self.text)? {
                passed += 1;
                continue;
            }
            half.lost = false;
            if self.is_tls13() {
                self.content(side, plain)?;
            } else {
                self.dispatch(side, APPLICATION_DATA, plain)?;
            }
            return Ok(Some(passed + 5 + fragment.len()));
        }
        self.halves[side].lost_bytes += passed as u64;
        Ok((passed > 0).then_some(passed))
    }
}
