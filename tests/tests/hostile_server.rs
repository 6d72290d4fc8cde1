//! Hostile peers against the running server: what is about sockets and time. The bug classes are those of the core's tests of the same
//! name; each test runs with either engine, waits for a bounded time, and asserts the bytes that come back.

use core::time::Duration;
use std::{io::Read, net::Shutdown, thread, time::Instant};

use sockeye_tests::{ENGINES, PATIENCE, RESPONSE, Server, bomb, frame, request};

/// What a server may grow by for peers that misbehave: some buffers, and what its allocator keeps.
const GROWTH: usize = 24 << 20;

#[test]
fn slow_handshake_is_answered_with_408_and_ended() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--handshake-timeout", "1s"]);
        // One that says nothing, and one that says a byte now and then.
        let mut silent = server.connect();
        let mut slow = server.connect();
        let start = Instant::now();
        for byte in request("").iter().take(9) {
            slow.send(&[*byte]);
            thread::sleep(Duration::from_millis(100));
        }
        for client in [&mut slow, &mut silent] {
            let response = client.read_to_end();
            let response = String::from_utf8_lossy(&response);
            assert!(
                response.starts_with("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"),
                "{engine}: {response:?}"
            );
        }
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert!(start.elapsed() < Duration::from_secs(4));
        server.assert_serving();
    }
}

#[test]
fn slow_message_ends_with_1008_although_the_peer_lives() {
    let servers = ENGINES.map(|engine| Server::start(engine, &[]));
    let mut clients = servers.each_ref().map(Server::open);
    let start = Instant::now();
    for client in &mut clients {
        client.send(&frame(0x01, b"never finished"));
    }
    // 30 s is the age that a message may reach. Its fragments and Pings that come meanwhile change nothing.
    for _ in 0..5 {
        thread::sleep(Duration::from_secs(5));
        for client in &mut clients {
            client.send(&[frame(0x89, b"alive"), frame(0x00, b".")].concat());
            assert_eq!(client.read_frame(), (0x8A, b"alive".to_vec()));
        }
    }
    for client in &mut clients {
        assert_eq!(
            client.expect_close(1008),
            "a message was not finished in time"
        );
        assert!(start.elapsed() >= Duration::from_secs(29));
        assert!(start.elapsed() < Duration::from_secs(36));
        client.expect_end();
    }
}

#[test]
fn rustsec_2020_0043_flood_of_pings_from_a_peer_that_never_reads_takes_no_memory() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--ping-interval", "off"]);
        server.assert_serving();
        let before = server.resident();
        let mut client = server.open();
        let pings = frame(0x89, &[0x55; 125]).repeat(1000);
        let written = client.flood(&pings, 256 << 20);
        // It stopped reading: far less than what was to be written has gone, most of it into the kernel's buffers.
        assert!(written < 64 << 20, "{engine} took {written} bytes");
        let growth = server.resident().saturating_sub(before);
        assert!(growth < GROWTH, "{engine} grew by {growth} bytes");
        server.assert_serving();
        // Once the peer reads, it is served on: what comes are Pongs.
        for _ in 0..1000 {
            assert_eq!(client.read_frame(), (0x8A, vec![0x55; 125]));
        }
    }
}

#[test]
fn rustsec_2020_0043_echo_to_a_peer_that_never_reads_takes_no_memory() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--ping-interval", "off"]);
        server.assert_serving();
        let before = server.resident();
        let message = frame(0x82, &[0x2A; 65_536]);
        let mut clients: Vec<_> = (0..4).map(|_| server.open()).collect();
        for client in &mut clients {
            let written = client.flood(&message, 256 << 20);
            assert!(written < 64 << 20, "{engine} took {written} bytes");
        }
        let growth = server.resident().saturating_sub(before);
        assert!(growth < GROWTH, "{engine} grew by {growth} bytes");
        server.assert_serving();
        assert_eq!(clients[0].read_frame(), (0x82, vec![0x2A; 65_536]));
    }
}

#[test]
fn reset_in_the_middle_of_a_frame_costs_nobody_else_anything() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut other = server.open();
        let files = server.open_files();
        for _ in 0..20 {
            let mut client = server.open();
            client.send(&frame(0x89, b"unread"));
            // With the Pong unread, closing the socket resets the connection.
            client.stream.peek(&mut [0]).expect("a Pong");
            client.send(&frame(0x82, &[1; 1000])[..500]);
        }
        other.send(&frame(0x81, b"unharmed"));
        assert_eq!(other.read_frame(), (0x81, b"unharmed".to_vec()));
        wait_for("the sockets to be closed", || server.open_files() <= files);
    }
}

#[test]
fn half_close_lets_the_last_answer_out_and_ends() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut client = server.open();
        client.send(&frame(0x81, b"last words"));
        client.send(&frame(0x82, &[1; 1000])[..500]);
        client.stream.shutdown(Shutdown::Write).expect("a shutdown");
        assert_eq!(client.read_frame(), (0x81, b"last words".to_vec()));
        client.expect_end();
        server.assert_serving();
        // The same in the middle of a handshake.
        let mut client = server.connect();
        client.send(&request("")[..50]);
        client.stream.shutdown(Shutdown::Write).expect("a shutdown");
        client.expect_end();
        server.assert_serving();
    }
}

#[test]
fn data_after_close_is_ignored() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut client = server.open();
        let bytes = [
            frame(0x81, b"before"),
            frame(0x88, b"\x03\xe8bye"),
            frame(0x81, b"after"),
            frame(0x88, b"\x03\xe9"),
        ];
        client.send(&bytes.concat());
        // The echo, the answer to the Close frame with its code, and the end.
        client.expect(b"\x81\x06before\x88\x02\x03\xe8");
        client.expect_end();
        server.assert_serving();
    }
}

#[test]
fn tls_on_the_plain_port_is_turned_away_at_once() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut client = server.connect();
        let start = Instant::now();
        // The beginning of a TLS ClientHello, whose rest never comes.
        client.send(&[
            0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03,
        ]);
        let response = String::from_utf8_lossy(&client.read_to_end()).into_owned();
        assert!(
            response.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{response:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(1));
        server.assert_serving();
    }
}

#[test]
fn plain_http_gets_an_answer_that_helps() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        for (request, status, body) in [
            (
                "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
                "426 Upgrade Required",
                "new WebSocket(\"ws://a.example/\")",
            ),
            (
                "GET / HTTP/1.1\r\nHost: a.example\r\nAccept: text/html\r\n\r\n",
                "426 Upgrade Required",
                "<!doctype html>",
            ),
            (
                "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n",
                "405 Method Not Allowed",
                "",
            ),
            (
                "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n",
                "505 HTTP Version Not Supported",
                "",
            ),
            ("GET /\r\n\r\n", "400 Bad Request", ""),
            (
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "505 HTTP Version Not Supported",
                "",
            ),
            ("SSH-2.0-OpenSSH_9.9\r\n", "400 Bad Request", ""),
            ("\0\0\0\0", "400 Bad Request", ""),
        ] {
            let mut client = server.connect();
            client.send(request.as_bytes());
            let response = String::from_utf8(client.read_to_end()).expect("text");
            let line = format!("HTTP/1.1 {status}\r\n");
            assert!(
                response.starts_with(&line),
                "{engine} {request:?}: {response}"
            );
            assert!(response.contains(body), "{engine} {request:?}: {response}");
        }
        server.assert_serving();
    }
}

#[test]
fn cve_2023_43669_head_of_64_kib_is_refused() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        for (lines, error) in [
            (format!("X: {}\r\n", "x".repeat(65_536)), "the head"),
            ("X: y\r\n".repeat(101), "header fields"),
        ] {
            let mut client = server.connect();
            client.send(&request(&lines));
            let response = String::from_utf8(client.read_to_end()).expect("text");
            let line = "HTTP/1.1 431 Request Header Fields Too Large\r\n";
            assert!(response.starts_with(line), "{engine}: {response}");
            assert!(response.contains(error), "{engine}: {response}");
        }
        server.assert_serving();
    }
}

#[test]
fn frames_right_behind_the_request_are_served() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let bytes = [
            request(""),
            frame(0x89, b"ping"),
            frame(0x01, b"Hel"),
            frame(0x80, b"lo"),
            frame(0x88, b""),
        ]
        .concat();
        let expected = [RESPONSE.as_bytes(), b"\x8a\x04ping\x81\x05Hello\x88\x00"].concat();
        // All in one write, and a byte at a time.
        let mut client = server.connect();
        client.send(&bytes);
        assert_eq!(client.read_to_end(), expected);
        let mut client = server.connect();
        for byte in bytes {
            client.send(&[byte]);
        }
        assert_eq!(client.read_to_end(), expected);
    }
}

#[test]
fn two_hundred_connections_opened_and_dropped_leave_nothing() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        server.assert_serving();
        // Once to make what is kept, then to see that it stays so.
        let mut resident = 0;
        let mut files = 0;
        for round in 0..4 {
            let mut clients = Vec::new();
            for number in 0..200 {
                match number % 4 {
                    0 => clients.push(server.connect()),
                    1 => {
                        let mut client = server.connect();
                        client.send(b"GET / HT");
                        clients.push(client);
                    }
                    2 => clients.push(server.open()),
                    _ => {
                        let mut client = server.open();
                        client.send(&frame(0x02, &[1; 10_000])[..5000]);
                        clients.push(client);
                    }
                }
            }
            drop(clients);
            server.assert_serving();
            if round == 0 {
                thread::sleep(Duration::from_millis(500));
                (resident, files) = (server.resident(), server.open_files());
            }
        }
        wait_for("the sockets to be closed", || {
            server.open_files() <= files + 2
        });
        let growth = server.resident().saturating_sub(resident);
        assert!(growth < 8 << 20, "{engine} grew by {growth} bytes");
    }
}

#[test]
fn cve_2025_24010_cve_2023_26114_other_origins_get_403() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        for origin in [
            "https://evil.example",
            "https://server.example.com.evil.example",
            "null",
        ] {
            let mut client = server.connect();
            client.send(&request(&format!("Origin: {origin}\r\n")));
            let response = String::from_utf8(client.read_to_end()).expect("text");
            assert!(
                response.starts_with("HTTP/1.1 403 Forbidden\r\n"),
                "{response}"
            );
        }
        let mut client = server.connect();
        client.send(&request("Origin: https://server.example.com\r\n"));
        client.expect(RESPONSE.as_bytes());

        let server = Server::start(engine, &["--origin", "https://page.example"]);
        let mut client = server.connect();
        client.send(&request("Origin: https://page.example\r\n"));
        client.expect(RESPONSE.as_bytes());
        let mut client = server.connect();
        client.send(&request("Origin: http://page.example\r\n"));
        let response = client.read_to_end();
        assert!(response.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
    }
}

#[test]
fn violation_is_answered_with_its_code_within_a_second() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        for (bytes, code, reason) in [
            // FIN, text, not masked.
            (
                &[0x81, 0x05][..],
                1002,
                "a frame from a client is not masked",
            ),
            // RSV2.
            (&[0xA1], 1002, "a reserved bit is set"),
            (&[0x83], 1002, "opcode 0x3 is reserved"),
            // A length with its highest bit (CVE-2020-27813).
            (
                &[0x82, 0xFF, 0x80],
                1002,
                "the payload length has its highest bit set",
            ),
            // 2^62 bytes (CVE-2022-35922).
            (
                &[0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
                1009,
                "a frame is longer than 1048576 bytes",
            ),
            // Text that is not UTF-8, in a frame that is not complete.
            (
                &[0x81, 0xFE, 0x10, 0x00, 0, 0, 0, 0, 0xFF],
                1007,
                "text is not valid UTF-8",
            ),
        ] {
            let mut client = server.open();
            let start = Instant::now();
            client.send(bytes);
            assert_eq!(client.expect_close(code), reason, "{engine}");
            client.expect_end();
            assert!(
                start.elapsed() < Duration::from_secs(1),
                "{engine} {reason}"
            );
        }
        server.assert_serving();
    }
}

#[test]
fn cve_2018_1000518_bomb_stops_at_the_limit() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--deflate", "--max-message", "64KiB"]);
        server.assert_serving();
        let before = server.resident();
        let bomb = bomb(8 << 20);
        assert!(bomb.len() < 65_536);
        for _ in 0..20 {
            let mut client = server.connect();
            client.send(&request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.stream.read_exact(&mut byte).expect("a response");
                head.extend(byte);
            }
            let head = String::from_utf8(head).expect("text");
            assert!(
                head.contains("Sec-WebSocket-Extensions: permessage-deflate"),
                "{head}"
            );
            client.send(&frame(0xC2, &bomb));
            let reason = "a message is longer than 65536 bytes";
            assert_eq!(client.expect_close(1009), reason, "{engine}");
        }
        let growth = server.resident().saturating_sub(before);
        assert!(growth < GROWTH, "{engine} grew by {growth} bytes");
        server.assert_serving();
    }
}

#[test]
fn cve_2022_35922_announced_lengths_take_no_memory() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--max-message", "1GiB"]);
        server.assert_serving();
        let before = server.resident();
        let mut clients = Vec::new();
        for _ in 0..50 {
            let mut client = server.open();
            // FIN, binary, 1 GiB, masked, and ten bytes of it.
            client.send(&[0x82, 0xFF, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]);
            client.send(&[0; 10]);
            clients.push(client);
        }
        server.assert_serving();
        let growth = server.resident().saturating_sub(before);
        assert!(growth < GROWTH, "{engine} grew by {growth} bytes");
    }
}

#[test]
fn connections_above_the_limit_are_closed_at_once() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--max-connections", "2"]);
        let first = server.open();
        let _second = server.open();
        let mut third = server.connect();
        let start = Instant::now();
        let mut bytes = Vec::new();
        // A reset is an end, too.
        third.stream.read_to_end(&mut bytes).ok();
        assert!(!bytes.starts_with(b"HTTP/1.1 101"));
        assert!(start.elapsed() < Duration::from_secs(2));
        drop(first);
        wait_for("a place", || {
            let mut client = server.connect();
            let mut response = [0; RESPONSE.len()];
            std::io::Write::write_all(&mut client.stream, &request("")).is_ok()
                && client.stream.read_exact(&mut response).is_ok()
                && response == RESPONSE.as_bytes()
        });
    }
}

#[test]
fn silent_peer_is_pinged() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--ping-interval", "1s"]);
        let mut client = server.open();
        let start = Instant::now();
        assert_eq!(client.read_frame(), (0x89, vec![]));
        assert!(start.elapsed() >= Duration::from_millis(900));
        assert!(start.elapsed() < Duration::from_secs(3));
        // One that answers is pinged again.
        client.send(&frame(0x8A, b""));
        assert_eq!(client.read_frame(), (0x89, vec![]));
    }
}

#[test]
fn peers_that_never_answer_do_not_hold_up_the_end() {
    for engine in ENGINES {
        let mut server = Server::start(engine, &["--drain", "1s"]);
        let mut well_behaved = server.open();
        let mut deaf = server.open();
        let mut in_handshake = server.connect();
        in_handshake.send(b"GET / HT");
        let mut stuffed = server.open();
        stuffed.flood(&frame(0x82, &[0; 65_536]), 64 << 20);
        let start = Instant::now();
        let server_thread = thread::spawn(move || server.terminate(Duration::from_secs(8)));
        well_behaved.expect_close(1001);
        well_behaved.send(&frame(0x88, b"\x03\xe9"));
        well_behaved.expect_end();
        deaf.expect_close(1001);
        let status = server_thread.join().expect("an end");
        assert!(status.success(), "{engine}: {status}");
        assert!(
            start.elapsed() < Duration::from_secs(6),
            "{:?}",
            start.elapsed()
        );
    }
}

/// Waits until something is so.
#[track_caller]
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waiting for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
