//! The splitting oracle: what a connection makes of a stream does not depend on how reads cut it. And what one side sends arrives at
//! the other, whatever they agreed on.

mod common;
#[path = "common/random.rs"]
mod random;

use common::*;
use random::Random;
use sockeye::{Connection, DeflateParameters, Delivery, Event, Options, Role};

/// How many seeds a test goes through. More are tried with `SOCKEYE_SEEDS=100000 cargo test --release`.
fn seeds(default: u64) -> impl Iterator<Item = u64> {
    let from_environment = std::env::var("SOCKEYE_SEEDS").ok();
    0..from_environment.map_or(default, |seeds| seeds.parse().unwrap())
}

fn options(random: &mut Random, role: Role) -> Options {
    let mut options = Options::new(role);
    options.automatic_pong = !random.once_in(4);
    if random.once_in(3) {
        options.delivery = Delivery::Parts;
    }
    options.limits.message_size = random.choose(&[0, 50, 700, 1 << 20, 1 << 20]);
    options.limits.parts_size = random.choose(&[0, 50, 700, u64::MAX, u64::MAX]);
    options.limits.frame_size = random.choose(&[100, 1000, 1 << 20, 1 << 20]);
    options.limits.fragments = random.choose(&[2, 1024, 1024]);
    options
}

/// Feeds one random stream whole, byte by byte and at random cuts.
fn assert_cuts_do_not_matter(seed: u64, compressed: bool, damaged: bool) -> Outcome {
    let mut random = Random::new(seed);
    let role = random.choose(&ROLES);
    let parameters = compressed.then(|| random.parameters());
    let options = options(&mut random, role);
    let mut bytes = random.stream(role, parameters);
    if damaged {
        random.mutate(&mut bytes);
    }
    let run = |pieces: Vec<&[u8]>| {
        let mut connection = Connection::new(role, &options, parameters, entropy);
        let mut outcome = feed(&mut connection, pieces);
        outcome.events = coalesced(outcome.events);
        // Of the part that holds the violation, what lies before it has been handed over if a read ended there.
        if outcome.error.is_some()
            && let Some(Event::Part(part)) = outcome.events.last()
            && !part.fin
        {
            outcome.events.pop();
        }
        outcome
    };
    let whole = run(vec![&bytes]);
    let context = || format!("of seed {seed}, {role:?}, {parameters:?}, {options:?}\n{bytes:02x?}");
    assert_eq!(
        run(bytes.chunks(1).collect()),
        whole,
        "byte by byte, {}",
        context()
    );
    for _ in 0..4 {
        let pieces = random.pieces(&bytes);
        let lens: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
        assert_eq!(run(pieces), whole, "in pieces of {lens:?}, {}", context());
    }
    whole
}

/// Goes through the seeds, and asserts that the streams are worth it: that many got through, and that many failed.
fn assert_oracle(compressed: bool, damaged: bool) {
    let (mut events, mut failures, mut runs) = (0, 0, 0);
    for seed in seeds(600) {
        let outcome = assert_cuts_do_not_matter(seed, compressed, damaged);
        events += outcome.events.len();
        failures += usize::from(outcome.error.is_some());
        runs += 1;
    }
    assert!(events > runs, "{events} events in {runs} runs");
    assert!(failures > runs / 20, "{failures} failures in {runs} runs");
}

#[test]
fn cuts_do_not_matter() {
    assert_oracle(false, false);
}

#[test]
fn cuts_do_not_matter_in_damaged_streams() {
    assert_oracle(false, true);
}

#[cfg(feature = "deflate")]
#[test]
fn cuts_do_not_matter_in_compressed_streams() {
    assert_oracle(true, false);
}

#[cfg(feature = "deflate")]
#[test]
fn cuts_do_not_matter_in_damaged_compressed_streams() {
    assert_oracle(true, true);
}

/// Sends random messages both ways, in all the ways there are to send, and asserts that they arrive.
fn assert_round_trip(seed: u64, parameters: Option<DeflateParameters>) {
    let mut random = Random::new(seed);
    let mut server = random.peer_of(Role::Client, parameters);
    let mut client = random.peer_of(Role::Server, parameters);
    for _ in 0..6 {
        {
            let (from, to) = (&mut server, &mut client);
            let longest = random.choose(&[3000, 3000, 3000, 80_000]);
            let message = random.message(longest);
            let mut out = Vec::new();
            random.send(from, &message, &mut out);
            let outcome = feed(to, random.pieces(&out));
            assert_eq!(outcome.error, None, "seed {seed}, {parameters:?}");
            let expected = Event::Message(message);
            let messages: Vec<_> = outcome
                .events
                .into_iter()
                .filter(|event| matches!(event, Event::Message(_)))
                .collect();
            assert!(messages == [expected], "seed {seed}, {parameters:?}");
            // The Pongs go back.
            assert_eq!(feed(from, [&outcome.out[..]]).error, None);
        }
        core::mem::swap(&mut server, &mut client);
    }
}

#[test]
fn messages_arrive() {
    for seed in seeds(200) {
        assert_round_trip(seed, None);
    }
}

#[cfg(feature = "deflate")]
#[test]
fn compressed_messages_arrive_whatever_was_negotiated() {
    use sockeye::WindowBits;

    let mut seed = 0;
    for server_bits in 8..=15 {
        for client_bits in 8..=15 {
            for takeover in 0..4 {
                let mut parameters = DeflateParameters::default();
                parameters.server_max_window_bits = WindowBits::new(server_bits).unwrap();
                parameters.client_max_window_bits = WindowBits::new(client_bits).unwrap();
                parameters.server_no_context_takeover = takeover & 1 != 0;
                parameters.client_no_context_takeover = takeover & 2 != 0;
                assert_round_trip(seed, Some(parameters));
                seed += 1;
            }
        }
    }
}
