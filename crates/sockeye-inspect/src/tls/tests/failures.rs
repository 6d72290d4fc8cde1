//! What does not decrypt, or not at once.

use rustls::CipherSuite;

use super::*;

const TLS13_SUITE: CipherSuite = CipherSuite::TLS13_AES_128_GCM_SHA256;
const TLS12_SUITE: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;

#[test]
fn secrets_may_come_while_the_data_waits() {
    for id in [TLS13_SUITE, TLS12_SUITE] {
        let mut session = Session::new(id);
        session.talk();
        let mut tls = Tls::new();
        let mut plain = [Vec::new(), Vec::new()];
        let mut refused = 0;
        // The log is empty until each side has sent 20,000 bytes.
        let none = KeyLog::new();
        let keys = session.log.parsed();
        let mut sent = 0;
        for (from_client, bytes) in &session.wire {
            let plain = &mut plain[usize::from(!from_client)];
            let keys = if sent < 40_000 { &none } else { &keys };
            let result = tls.receive(*from_client, bytes, keys, plain);
            sent += bytes.len();
            refused += usize::from(matches!(result, Err(TlsError::KeyMissing { .. })));
        }
        assert!(refused > 0);
        assert!(plain == session.said);
    }
}

#[test]
fn an_error_names_the_secret_and_the_connection() {
    for (id, label) in [
        (TLS13_SUITE, "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
        (TLS12_SUITE, "CLIENT_RANDOM"),
    ] {
        let mut session = Session::new(id);
        session.exchange();
        let mut tls = Tls::new();
        let error = session
            .wire
            .iter()
            .find_map(|(from_client, bytes)| {
                tls.receive(*from_client, bytes, &KeyLog::new(), &mut Vec::new())
                    .err()
            })
            .expect("the log is empty");
        let log = session.log.text();
        let random = log.split(' ').nth(1).expect("it has a line");
        let expected = format!(
            "the key log has no {label} for the connection with the client random {}…",
            &random[..16]
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_side_that_waits_too_long_is_given_up() {
    let mut session = Session::new(TLS13_SUITE);
    session.exchange();
    session.say(true, &vec![1; 400_000]);
    let mut tls = Tls::new();
    let mut last = Ok(());
    for (from_client, bytes) in &session.wire {
        if *from_client {
            last = tls.receive(true, bytes, &KeyLog::new(), &mut Vec::new());
        } else {
            let _ = tls.receive(false, bytes, &KeyLog::new(), &mut Vec::new());
        }
    }
    assert_eq!(last, Err(TlsError::WaitedTooLong));
}

#[test]
fn a_changed_byte_is_noticed_and_what_came_before_it_is_right() {
    for id in [TLS13_SUITE, TLS12_SUITE] {
        let mut session = Session::new(id);
        session.exchange();
        session.say(true, b"right");
        session.say(true, b"wrong");
        let last = &mut session.wire.last_mut().expect("something was said").1;
        *last.last_mut().expect("not empty") ^= 1;
        let keys = session.log.parsed();
        let mut tls = Tls::new();
        let mut plain = [Vec::new(), Vec::new()];
        let mut result = Ok(());
        for (from_client, bytes) in &session.wire {
            result = tls.receive(
                *from_client,
                bytes,
                &keys,
                &mut plain[usize::from(!from_client)],
            );
        }
        let record = if id == TLS13_SUITE { 1 } else { 2 };
        let error = TlsError::NotDecrypted {
            from_client: true,
            record,
        };
        assert_eq!(result, Err(error));
        assert_eq!(plain[CLIENT], b"right");
        // It stays so.
        assert_eq!(tls.receive(true, b"", &keys, &mut Vec::new()), Err(error));
        assert_eq!(tls.receive(false, b"", &keys, &mut Vec::new()), Ok(()));
    }
}

#[test]
fn after_lost_bytes_the_next_whole_record_is_found_and_the_gap_is_measured() {
    for id in [
        TLS13_SUITE,
        TLS12_SUITE,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ] {
        let mut session = Session::new(id);
        session.exchange();
        let handshake = session.wire.len();
        for text in ["one", "two", "three", "four", "five"] {
            session.say(true, text.as_bytes());
        }
        let keys = session.log.parsed();
        let records: Vec<Vec<u8>> = session.wire[handshake..]
            .iter()
            .map(|(_, bytes)| bytes.clone())
            .collect();
        // The hole begins in the second record and ends in the third, at every place.
        for end in 0..records[2].len() {
            let mut tls = Tls::new();
            let mut plain = Vec::new();
            for (from_client, bytes) in &session.wire[..handshake] {
                tls.receive(*from_client, bytes, &keys, &mut Vec::new())
                    .expect("it decrypts");
            }
            let mut gaps = Vec::new();
            let mut receive = |tls: &mut Tls, bytes: &[u8]| {
                let before = plain.len();
                tls.receive(true, bytes, &keys, &mut plain)
                    .expect("it goes on");
                let gap = tls.take_gap(true);
                if gap > 0 {
                    gaps.push((before, gap));
                }
            };
            receive(&mut tls, &records[0]);
            receive(&mut tls, &records[1][..7]);
            tls.missing(true, (records[1].len() - 7 + end) as u64);
            let rest = [&records[2][end..], &records[3], &records[4]].concat();
            for piece in rest.chunks(9) {
                receive(&mut tls, piece);
            }
            let (expected, gap) = if end == 0 {
                ("onethreefourfive", "two".len())
            } else {
                ("onefourfive", "twothree".len())
            };
            assert_eq!(plain, expected.as_bytes());
            assert_eq!(gaps, [(3, gap as u64)]);
        }
    }
}

#[test]
fn keys_that_were_updated_within_the_lost_bytes_are_found() {
    let mut session = Session::new(TLS13_SUITE);
    session.exchange();
    session.say(true, b"one");
    let before = session.wire.len();
    session.client.refresh_traffic_keys().expect("TLS 1.3");
    session.say(true, b"two");
    let lost = session.wire.len();
    session.say(true, b"three");
    let keys = session.log.parsed();
    let mut tls = Tls::new();
    let mut plain = Vec::new();
    for (i, (from_client, bytes)) in session.wire.iter().enumerate() {
        if (before..lost).contains(&i) && *from_client {
            tls.missing(true, bytes.len() as u64);
        } else if *from_client {
            tls.receive(true, bytes, &keys, &mut plain)
                .expect("it goes on");
        } else {
            tls.receive(false, bytes, &keys, &mut Vec::new())
                .expect("it goes on");
        }
    }
    assert_eq!(plain, b"onethree");
}

#[test]
fn lost_bytes_of_the_handshake_are_passed_over_when_both_hellos_are_there() {
    let mut session = Session::new(TLS13_SUITE);
    session.exchange();
    let handshake = session.wire.len();
    session.say(false, b"data");
    let keys = session.log.parsed();
    let mut tls = Tls::new();
    let mut plain = Vec::new();
    for (i, (from_client, bytes)) in session.wire.iter().enumerate() {
        if *from_client || i >= handshake {
            tls.receive(*from_client, bytes, &keys, &mut plain)
                .expect("it goes on");
        } else {
            // The ServerHello, and no more.
            let hello = 5 + fragment_len(*bytes.first_chunk().expect("a header"));
            tls.receive(false, &bytes[..hello], &keys, &mut plain)
                .expect("it goes on");
            tls.missing(false, (bytes.len() - hello) as u64);
            break;
        }
    }
    let (_, data) = session.wire.last().expect("the data");
    tls.receive(false, data, &keys, &mut plain)
        .expect("it goes on");
    assert_eq!(plain, b"data");
    // A ticket was lost with it, in a record that could have had data.
    assert_eq!(tls.take_gap(false), 1);
}

#[test]
fn what_never_decrypts_after_lost_bytes_is_given_up() {
    let mut session = Session::new(TLS13_SUITE);
    session.exchange();
    let keys = session.log.parsed();
    let (_, mut tls) = decrypt(&session.wire, usize::MAX, &keys);
    tls.missing(true, 1);
    // Most of the patience is used up.
    tls.halves[CLIENT].in_vain = 31 << 20;
    let mut record = vec![23, 3, 3, 0x40, 0];
    record.resize(5 + 0x4000, 7);
    let result = (0..10).find_map(|_| tls.receive(true, &record, &keys, &mut Vec::new()).err());
    assert_eq!(result, Some(TlsError::RecordsLost));
}

#[test]
fn a_connection_that_began_before_the_capture_is_told() {
    for id in [TLS13_SUITE, TLS12_SUITE] {
        let mut session = Session::new(id);
        session.exchange();
        session.say(true, b"data");
        let (_, data) = session.wire.last().expect("the data");
        let mut tls = Tls::new();
        let result = tls.receive(true, data, &session.log.parsed(), &mut Vec::new());
        assert_eq!(result, Err(TlsError::HandshakeMissing));
    }
}

/// A ServerHello of TLS 1.2 or before.
fn server_hello(version: u16, suite: u16) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([1; 32]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    let mut record = vec![22, 3, 3, 0, 4 + body.len() as u8, 2, 0, 0, body.len() as u8];
    record.extend(body);
    record
}

#[test]
fn what_is_not_supported_is_said_by_name() {
    for (version, suite, text) in [
        (
            0x0303,
            0xc013,
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA cannot be decrypted: of the cipher suites only AES-GCM and ChaCha20-Poly1305 can",
        ),
        (
            0x0303,
            0x1234,
            "the cipher suite 0x1234 cannot be decrypted: of the cipher suites only AES-GCM and ChaCha20-Poly1305 can",
        ),
        (
            0x0302,
            0xc02f,
            "TLS 1.1 cannot be decrypted: only TLS 1.2 and 1.3 can",
        ),
    ] {
        let mut tls = Tls::new();
        let error = tls
            .receive(
                false,
                &server_hello(version, suite),
                &KeyLog::new(),
                &mut Vec::new(),
            )
            .expect_err("it is not supported");
        assert_eq!(error.to_string(), text);
        let other = tls.receive(true, b"", &KeyLog::new(), &mut Vec::new());
        assert_eq!(other, Err(error));
    }
}

#[test]
fn a_fatal_alert_is_told() {
    let mut tls = Tls::new();
    let alert = [21, 3, 3, 0, 2, 2, 40];
    let error = tls
        .receive(false, &alert, &KeyLog::new(), &mut Vec::new())
        .expect_err("it is fatal");
    assert_eq!(
        error.to_string(),
        "the server ended the TLS connection with alert 40 (handshake_failure)"
    );
    // A warning, and a close.
    let mut tls = Tls::new();
    for alert in [[21, 3, 3, 0, 2, 1, 112], [21, 3, 3, 0, 2, 1, 0]] {
        let result = tls.receive(false, &alert, &KeyLog::new(), &mut Vec::new());
        assert_eq!(result, Ok(()));
    }
}

#[test]
fn a_close_of_both_sides_is_no_error() {
    for id in [TLS13_SUITE, TLS12_SUITE] {
        let mut session = Session::new(id);
        session.talk();
        session.client.send_close_notify();
        session.server.send_close_notify();
        session.exchange();
        let (plain, _) = decrypt(&session.wire, 1_000, &session.log.parsed());
        assert!(plain == session.said);
    }
}

#[test]
fn what_is_no_record_is_told() {
    let mut tls = Tls::new();
    let result = tls.receive(true, b"GET / HTTP/1.1", &KeyLog::new(), &mut Vec::new());
    assert_eq!(result, Err(TlsError::NotTls));
}

#[test]
fn noise_never_panics() {
    let mut session = Session::new(TLS13_SUITE);
    session.talk();
    let keys = session.log.parsed();
    let mut seed = 1_u32;
    for _ in 0..300 {
        let mut tls = Tls::new();
        for (from_client, bytes) in session.wire.iter().take(8) {
            let mut bytes = bytes.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (seed >> 8) as usize % bytes.len();
                bytes[at] = (seed >> 3) as u8;
            }
            if seed.is_multiple_of(7) {
                tls.missing(*from_client, 100);
            }
            let _ = tls.receive(*from_client, &bytes, &keys, &mut Vec::new());
        }
    }
}
