//! Keepalive and timeouts, in virtual time.

mod common;

use core::time::Duration;

use common::*;
use sockeye::{CloseFrame, Connection, ProtocolError, Role, State, Timeouts};

const EMPTY_PING: &[u8] = &[0x89, 0x00];

/// A connection at a time of the caller's that has nothing to do with its own beginning.
struct Peer {
    connection: Connection,
    origin: u64,
}

impl Peer {
    fn new(role: Role, timeouts: Timeouts) -> Self {
        Self::since(1_000_000, role, timeouts)
    }

    fn since(origin: u64, role: Role, timeouts: Timeouts) -> Self {
        let mut connection = connection_with(role, |options| options.timeouts = timeouts);
        let mut out = Vec::new();
        assert_eq!(
            connection.handle_timeout(Duration::from_secs(origin), &mut out),
            Ok(())
        );
        assert!(out.is_empty());
        Self { connection, origin }
    }

    /// Tells that this many seconds have passed since the beginning. Returns what was sent.
    fn at(&mut self, seconds: u64) -> Result<Vec<u8>, (ProtocolError, Vec<u8>)> {
        let mut out = Vec::new();
        let now = Duration::from_secs(self.origin + seconds);
        match self.connection.handle_timeout(now, &mut out) {
            Ok(()) => Ok(out),
            Err(error) => Err((error, out)),
        }
    }

    /// One read at that time, which must not be a violation; returns the number of events.
    fn read(&mut self, seconds: u64, bytes: &[u8]) -> usize {
        assert_eq!(self.at(seconds), Ok(vec![]));
        let outcome = feed(&mut self.connection, [bytes]);
        assert_eq!(outcome.error, None);
        outcome.events.len()
    }

    /// When something is due, in seconds since the beginning.
    fn due(&self) -> Option<u64> {
        let due = self.connection.poll_timeout()?;
        assert_eq!(due.subsec_nanos(), 0);
        Some(due.as_secs() - self.origin)
    }
}

fn only(set: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = Timeouts::none();
    set(&mut timeouts);
    timeouts
}

const fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn client_has_no_timer_by_default() {
    let mut client = Peer::new(Role::Client, Timeouts::client());
    assert_eq!(client.due(), None);
    assert_eq!(client.at(1_000_000), Ok(vec![]));
    // Not even for a message that is never finished.
    assert_eq!(client.read(1_000_001, &[0x01, 0x01]), 0);
    assert_eq!(client.due(), None);
}

#[test]
fn silence_is_met_with_a_ping_and_then_with_1011() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    assert_eq!(server.due(), Some(20));
    assert_eq!(server.at(19), Ok(vec![]));
    assert_eq!(server.at(20), Ok(EMPTY_PING.to_vec()));
    assert_eq!(server.due(), Some(40));
    assert_eq!(server.at(39), Ok(vec![]));
    let error = ProtocolError::PongTimeout;
    assert_eq!(
        server.at(40),
        Err((error, failure(Role::Server, 1011, error)))
    );
    assert_eq!(server.connection.state(), State::Closed);
    assert_eq!(server.due(), None);
    assert_eq!(
        feed(&mut server.connection, [EMPTY_PING]).error,
        Some(error)
    );
}

#[test]
fn clock_that_starts_at_zero_pings_in_time() {
    let mut server = Peer::since(0, Role::Server, Timeouts::server());
    assert_eq!(server.due(), Some(20));
    assert_eq!(server.at(20), Ok(EMPTY_PING.to_vec()));
}

#[test]
fn what_was_due_before_the_first_time_was_told_counts_from_then() {
    let mut server = connection(Role::Server);
    feed(&mut server, [&[0x01][..]]);
    let mut out = Vec::new();
    // An hour, say, after the origin of the caller's clock.
    let hour = Duration::from_secs(3600);
    assert_eq!(server.handle_timeout(hour, &mut out), Ok(()));
    assert_eq!(server.poll_timeout(), Some(hour + Duration::from_secs(20)));
    let later = hour + Duration::from_secs(1);
    assert_eq!(server.handle_timeout(later, &mut out), Ok(()));
    assert!(out.is_empty());

    let mut server = connection(Role::Server);
    server.close(None, &mut out).unwrap();
    assert_eq!(server.handle_timeout(hour, &mut out), Ok(()));
    assert_eq!(server.poll_timeout(), Some(hour + Duration::from_secs(5)));
}

#[test]
fn pong_keeps_the_connection_alive() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    for round in 1..5 {
        let ping = 30 * round - 10;
        assert_eq!(server.at(ping), Ok(EMPTY_PING.to_vec()));
        assert_eq!(server.read(ping + 10, &to(Role::Server, 0x8A, b"")), 1);
        // The timeout comes to nothing, and the silence is counted from the Pong.
        assert_eq!(server.at(ping + 20), Ok(vec![]));
        assert_eq!(server.due(), Some(ping + 30));
    }
}

#[test]
fn interval_is_kept_where_the_answer_may_take_longer_than_it() {
    let mut timeouts = Timeouts::server();
    timeouts.ping_interval = seconds(1);
    let mut server = Peer::new(Role::Server, timeouts);
    for second in 1..10 {
        assert_eq!(server.due(), Some(second));
        assert_eq!(server.at(second), Ok(EMPTY_PING.to_vec()));
        assert_eq!(server.read(second, &to(Role::Server, 0x8A, b"")), 1);
    }
    // While there is no answer, there is no other Ping.
    assert_eq!(server.at(10), Ok(EMPTY_PING.to_vec()));
    for second in 11..30 {
        assert_eq!(server.at(second), Ok(vec![]));
    }
    let error = ProtocolError::PongTimeout;
    assert_eq!(
        server.at(30),
        Err((error, failure(Role::Server, 1011, error)))
    );
}

#[test]
fn pong_within_the_same_tick_of_the_clock_counts() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    assert_eq!(server.at(20), Ok(EMPTY_PING.to_vec()));
    // The clock is coarse, or the peer very near.
    assert_eq!(server.read(20, &to(Role::Server, 0x8A, b"")), 1);
    // The next Ping is due at once, not the failure.
    assert_eq!(server.at(40), Ok(EMPTY_PING.to_vec()));
    assert_eq!(server.connection.state(), State::Open);
}

#[test]
fn any_byte_is_a_sign_of_life() {
    // A whole message, the beginning of a header, the middle of a payload.
    for bytes in [
        &[0x82, 0x80, 0, 0, 0, 0][..],
        &[0x82],
        &[0x82, 0x85, 0, 0, 0, 0, 1],
    ] {
        let mut timeouts = Timeouts::server();
        timeouts.message = None;
        let mut server = Peer::new(Role::Server, timeouts);
        assert_eq!(server.at(20), Ok(EMPTY_PING.to_vec()));
        server.read(30, bytes);
        assert_eq!(server.at(40), Ok(vec![]));
        assert_eq!(server.due(), Some(50));
        assert_eq!(server.at(50), Ok(EMPTY_PING.to_vec()));
    }
}

#[test]
fn no_ping_is_sent_while_data_flows() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    for second in 1..200 {
        assert_eq!(server.read(second, &to(Role::Server, 0x82, b"x")), 1);
    }
    assert_eq!(server.at(218), Ok(vec![]));
    assert_eq!(server.at(219), Ok(EMPTY_PING.to_vec()));
}

#[test]
fn empty_read_is_no_sign_of_life() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    assert_eq!(server.at(20), Ok(EMPTY_PING.to_vec()));
    assert_eq!(server.read(30, &[]), 0);
    let error = ProtocolError::PongTimeout;
    assert_eq!(
        server.at(40),
        Err((error, failure(Role::Server, 1011, error)))
    );
}

#[test]
fn without_a_pong_timeout_pings_repeat() {
    let timeouts = only(|timeouts| timeouts.ping_interval = seconds(20));
    let mut client = Peer::new(Role::Client, timeouts);
    for round in 1..10 {
        assert_eq!(client.due(), Some(20 * round));
        assert_eq!(client.at(20 * round), Ok(from(Role::Client, 0x89, b"")));
    }
}

#[test]
fn one_ping_is_sent_after_a_long_sleep() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    // The caller overslept: neither a burst of Pings nor a failure before the peer could answer.
    assert_eq!(server.at(100_000), Ok(EMPTY_PING.to_vec()));
    assert_eq!(server.due(), Some(100_020));
}

#[test]
fn clock_that_goes_backwards_changes_nothing() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    assert_eq!(server.at(15), Ok(vec![]));
    assert_eq!(server.at(3), Ok(vec![]));
    assert_eq!(server.due(), Some(20));
    assert_eq!(server.read(4, &to(Role::Server, 0x82, b"x")), 1);
    assert_eq!(server.at(34), Ok(vec![]));
    assert_eq!(server.at(35), Ok(EMPTY_PING.to_vec()));
}

#[test]
fn farthest_time_does_not_overflow() {
    let mut server = connection(Role::Server);
    let mut out = Vec::new();
    server.handle_timeout(Duration::MAX, &mut out).unwrap();
    feed(&mut server, [&[0x01][..]]);
    server.handle_timeout(Duration::MAX, &mut out).unwrap();
    server.close(None, &mut out).unwrap();
    server.handle_timeout(Duration::MAX, &mut out).unwrap();
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn unfinished_message_fails_with_1008_at_its_age() {
    for role in ROLES {
        // A cut header, a cut payload, a first fragment, a Ping after a first fragment, and the same the other way round.
        let fragment = to(role, 0x01, b"ab");
        let ping = to(role, 0x89, b"");
        for beginning in [
            vec![0x81],
            [&header_to(role, 0x81, 5)[..], b"Hel"].concat(),
            header_to(role, 0x82, 70_000),
            fragment.clone(),
            [fragment.clone(), ping.clone()].concat(),
            [ping.clone(), fragment.clone()].concat(),
            [fragment.clone(), ping.clone(), ping, vec![0x80]].concat(),
        ] {
            let mut peer = Peer::new(role, only(|timeouts| timeouts.message = seconds(30)));
            peer.read(1, &beginning);
            assert_eq!(peer.due(), Some(31), "{beginning:02x?}");
            assert_eq!(peer.at(30), Ok(vec![]));
            let error = ProtocolError::MessageTimeout;
            assert_eq!(peer.at(31), Err((error, failure(role, 1008, error))));
            assert_eq!(peer.connection.state(), State::Closed);
        }
    }
}

#[test]
fn trickle_does_not_make_a_message_younger() {
    for role in ROLES {
        let mut peer = Peer::new(role, only(|timeouts| timeouts.message = seconds(30)));
        peer.read(0, &to(role, 0x02, b"first"));
        for second in 1..30 {
            let trickle = match second % 3 {
                0 => to(role, 0x00, b""),
                1 => to(role, 0x89, b"alive"),
                _ => to(role, 0x00, b"x"),
            };
            peer.read(second, &trickle);
            assert_eq!(peer.due(), Some(30));
        }
        let error = ProtocolError::MessageTimeout;
        assert_eq!(peer.at(30), Err((error, failure(role, 1008, error))));
    }
}

#[test]
fn finished_message_leaves_no_timer() {
    for role in ROLES {
        let mut peer = Peer::new(role, only(|timeouts| timeouts.message = seconds(30)));
        let message = to(role, 0x81, b"Hello");
        for cut in 1..message.len() {
            peer.read(0, &message[..cut]);
            assert_eq!(peer.due(), Some(30));
            peer.read(0, &message[cut..]);
            assert_eq!(peer.due(), None, "cut at {cut}");
        }
        peer.read(1, &to(role, 0x01, b"a"));
        peer.read(2, &to(role, 0x80, b"b"));
        assert_eq!(peer.due(), None);
        // The next one has its own age.
        peer.read(10, &to(role, 0x01, b"a"));
        assert_eq!(peer.due(), Some(40));
        // Finished, and another begun, in one read.
        let both = [to(role, 0x80, b"b"), to(role, 0x01, b"c")].concat();
        peer.read(20, &both);
        assert_eq!(peer.due(), Some(50));
    }
}

#[test]
fn cut_control_frame_leaves_no_timer() {
    for role in ROLES {
        for first in [0x89, 0x8A] {
            let frame = to(role, first, b"alive");
            for cut in 1..frame.len() {
                let mut peer = Peer::new(role, only(|timeouts| timeouts.message = seconds(30)));
                peer.read(0, &frame[..cut]);
                assert_eq!(peer.due(), Some(30));
                peer.read(5, &frame[cut..]);
                assert_eq!(peer.due(), None, "cut at {cut}");
            }
        }
    }
}

#[test]
fn cut_control_frame_does_not_make_a_message_older_or_younger() {
    for role in ROLES {
        let mut peer = Peer::new(role, only(|timeouts| timeouts.message = seconds(30)));
        peer.read(3, &to(role, 0x01, b"a"));
        let ping = to(role, 0x89, b"p");
        peer.read(5, &ping[..1]);
        peer.read(6, &ping[1..]);
        assert_eq!(peer.due(), Some(33));
    }
}

#[test]
fn control_frame_that_is_never_finished_ages_too() {
    for role in ROLES {
        let mut peer = Peer::new(role, only(|timeouts| timeouts.message = seconds(30)));
        peer.read(0, &to(role, 0x89, b"alive")[..4]);
        let error = ProtocolError::MessageTimeout;
        assert_eq!(peer.at(30), Err((error, failure(role, 1008, error))));
    }
}

#[test]
fn unanswered_close_ends_the_connection_without_another_frame() {
    for role in ROLES {
        let mut peer = Peer::new(role, only(|timeouts| timeouts.close = seconds(5)));
        assert_eq!(peer.at(7), Ok(vec![]));
        let mut out = Vec::new();
        let frame = CloseFrame::new(sockeye::CloseCode::GOING_AWAY, "");
        peer.connection.close(Some(frame), &mut out).unwrap();
        assert_eq!(peer.due(), Some(12));
        // Data still arrives, and buys no time.
        assert_eq!(peer.read(11, &to(role, 0x82, b"late")), 1);
        assert_eq!(peer.due(), Some(12));
        let error = ProtocolError::CloseTimeout;
        assert_eq!(peer.at(12), Err((error, vec![])));
        assert_eq!(peer.connection.state(), State::Closed);
        assert!(!peer.connection.is_clean());
        assert_eq!(peer.connection.receive_end(), Err(error));
    }
}

#[test]
fn answered_close_leaves_no_timer() {
    for role in ROLES {
        let mut peer = Peer::new(role, Timeouts::server());
        let mut out = Vec::new();
        peer.connection.close(None, &mut out).unwrap();
        assert_eq!(peer.due(), Some(5));
        assert_eq!(peer.read(1, &to(role, 0x88, b"")), 1);
        assert_eq!(peer.due(), None);
        assert_eq!(peer.at(1000), Ok(vec![]));
        assert!(peer.connection.is_clean());
    }
}

#[test]
fn closing_side_pings_no_more() {
    let mut timeouts = Timeouts::server();
    timeouts.close = None;
    let mut server = Peer::new(Role::Server, timeouts);
    assert_eq!(server.at(20), Ok(EMPTY_PING.to_vec()));
    let mut out = Vec::new();
    server.connection.close(None, &mut out).unwrap();
    assert_eq!(server.due(), None);
    assert_eq!(server.at(100_000), Ok(vec![]));
}

#[test]
fn unfinished_message_still_ages_while_closing() {
    for role in ROLES {
        let mut peer = Peer::new(role, only(|timeouts| timeouts.message = seconds(30)));
        let mut out = Vec::new();
        peer.connection.close(None, &mut out).unwrap();
        peer.read(1, &to(role, 0x01, b"a"));
        // The Close frame has gone already.
        assert_eq!(peer.at(31), Err((ProtocolError::MessageTimeout, vec![])));
        assert_eq!(peer.connection.state(), State::Closed);
    }
}

#[test]
fn end_of_the_stream_stops_the_timers() {
    let mut server = Peer::new(Role::Server, Timeouts::server());
    server.read(1, &[0x01]);
    assert_eq!(
        server.connection.receive_end(),
        Err(ProtocolError::UnexpectedEnd)
    );
    assert_eq!(server.due(), None);
    assert_eq!(server.at(100_000), Ok(vec![]));
}
