//! What decrypts.

use rustls::CipherSuite;

use super::*;

const SUITES: [(CipherSuite, &str); 6] = [
    (
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        "TLS 1.3, TLS_AES_128_GCM_SHA256",
    ),
    (
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        "TLS 1.3, TLS_AES_256_GCM_SHA384",
    ),
    (
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        "TLS 1.3, TLS_CHACHA20_POLY1305_SHA256",
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS 1.2, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
];

#[test]
fn every_suite_decrypts_in_both_directions() {
    for (id, description) in SUITES {
        let mut session = Session::new(id);
        session.talk();
        let (plain, tls) = decrypt(&session.wire, usize::MAX, &session.log.parsed());
        assert!(plain == session.said, "{description}");
        assert_eq!(tls.description().as_deref(), Some(description));
    }
}

#[test]
fn every_cut_makes_no_difference() {
    for (id, description) in &SUITES {
        let mut session = Session::new(*id);
        session.exchange();
        for text in [&b"Hello"[..], b"", b"world", &[0; 300]] {
            session.say(true, text);
            session.say(false, text);
        }
        let keys = session.log.parsed();
        for size in [1, 2, 3, 5, 7, 11, 16, 64, 1_000] {
            let (plain, _) = decrypt(&session.wire, size, &keys);
            assert!(plain == session.said, "{description} in pieces of {size}");
        }
    }
}

#[test]
fn keys_that_are_updated_are_followed() {
    for (id, description) in &SUITES[..3] {
        let mut session = Session::new(*id);
        session.exchange();
        for _ in 0..3 {
            session.say(true, b"before");
            session.client.refresh_traffic_keys().expect("TLS 1.3");
            session.say(true, b"after");
            session.say(false, b"answer");
            session.server.refresh_traffic_keys().expect("TLS 1.3");
            session.say(false, b"another");
        }
        let (plain, _) = decrypt(&session.wire, 7, &session.log.parsed());
        assert!(plain == session.said, "{description}");
    }
}

#[test]
fn a_hello_retry_request_is_followed() {
    let groups = vec![ring::kx_group::SECP384R1];
    let setup = Setup::new(CipherSuite::TLS13_AES_256_GCM_SHA384, groups);
    let mut session = setup.session();
    session.talk();
    let (plain, tls) = decrypt(&session.wire, 100, &session.log.parsed());
    assert!(plain == session.said);
    assert!(tls.retried && tls.hellos == 2);
}

#[test]
fn resumed_connections_decrypt() {
    for id in [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ] {
        let setup = Setup::new(id, ring::ALL_KX_GROUPS.to_vec());
        for resumed in [false, true] {
            let mut session = setup.session();
            session.talk();
            let kind = session.client.handshake_kind();
            assert_eq!(kind == Some(rustls::HandshakeKind::Resumed), resumed);
            let (plain, _) = decrypt(&session.wire, 1_000, &session.log.parsed());
            assert!(plain == session.said);
        }
    }
}

/// A second connection, with early data that the server accepts or not.
fn with_early_data(accept: bool) -> Session {
    let setup = Setup::new(
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        ring::ALL_KX_GROUPS.to_vec(),
    );
    setup.session().talk();
    let mut session = setup.session();
    if !accept {
        let mut refusing = (*setup.server).clone();
        refusing.max_early_data_size = 0;
        session.server = ServerConnection::new(Arc::new(refusing))
            .expect("configured")
            .into();
    }
    let Connection::Client(client) = &mut session.client else {
        panic!("the client is one");
    };
    let mut early = client.early_data().expect("the ticket allows it");
    std::io::Write::write_all(&mut early, b"early").expect("it is buffered");
    session.exchange();
    let Connection::Client(client) = &session.client else {
        panic!("the client is one");
    };
    assert_eq!(client.is_early_data_accepted(), accept);
    if accept {
        session.said[CLIENT].extend(b"early");
    }
    session.say(true, b"late");
    session.say(false, b"answer");
    session
}

#[test]
fn early_data_counts_when_the_server_accepts_it() {
    for accept in [true, false] {
        let session = with_early_data(accept);
        let keys = session.log.parsed();
        for size in [1, 50, usize::MAX] {
            let (plain, _) = decrypt(&session.wire, size, &keys);
            assert_eq!(plain, session.said, "accepted: {accept}");
        }
    }
}

#[test]
fn early_data_without_its_secret_is_passed_over_and_told_when_it_counted() {
    for accept in [true, false] {
        let session = with_early_data(accept);
        let text: String = session
            .log
            .text()
            .lines()
            .filter(|line| !line.starts_with("CLIENT_EARLY"))
            .map(|line| format!("{line}\n"))
            .collect();
        let mut keys = KeyLog::new();
        keys.extend(text.as_bytes());
        let mut tls = Tls::new();
        let mut plain = [Vec::new(), Vec::new()];
        let mut errors = Vec::new();
        for (from_client, bytes) in &session.wire {
            let plain = &mut plain[usize::from(!from_client)];
            errors.extend(tls.receive(*from_client, bytes, &keys, plain).err());
        }
        assert_eq!(plain[CLIENT], b"late");
        assert_eq!(plain[SERVER], b"answer");
        let expected = TlsError::KeyMissing {
            label: Label::ClientEarly,
            client_random: tls.client.expect("there was a hello").random,
        };
        assert_eq!(errors, if accept { vec![expected] } else { vec![] });
    }
}

#[test]
fn data_that_came_before_the_hello_of_the_server_comes_out_of_a_later_call() {
    let mut session = with_early_data(true);
    let keys = session.log.parsed();
    // Everything of the client first.
    session.wire.sort_by_key(|(from_client, _)| !from_client);
    let mut tls = Tls::new();
    let mut plain = [Vec::new(), Vec::new()];
    for (from_client, bytes) in &session.wire {
        let plain = &mut plain[usize::from(!from_client)];
        tls.receive(*from_client, bytes, &keys, plain)
            .expect("it decrypts");
    }
    assert_eq!(plain[SERVER], b"answer");
    assert_eq!(plain[CLIENT], b"");
    tls.receive(true, &[], &keys, &mut plain[CLIENT])
        .expect("it decrypts");
    assert_eq!(plain[CLIENT], b"earlylate");
}

#[test]
fn secrets_of_the_application_alone_are_enough() {
    let mut session = Session::new(CipherSuite::TLS13_AES_128_GCM_SHA256);
    session.talk();
    let text: String = session
        .log
        .text()
        .lines()
        .filter(|line| line.contains("TRAFFIC_SECRET_0"))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut keys = KeyLog::new();
    keys.extend(text.as_bytes());
    let (plain, _) = decrypt(&session.wire, 1_000, &keys);
    assert!(plain == session.said);
}
