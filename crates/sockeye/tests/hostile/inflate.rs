//! Compressed messages.

use sockeye::{Connection, DeflateParameters, Delivery, Message, Options, ProtocolError, Role};

use crate::{SMALL, alloc::measure, common::*, receive_measured};

/// What the decoder needs beside its window: its tables, and no more whatever comes.
const DECODER: usize = 64 << 10;

fn deflating(role: Role, set: impl FnOnce(&mut DeflateParameters, &mut Options)) -> Connection {
    let mut parameters = DeflateParameters::default();
    let mut options = Options::new(role);
    set(&mut parameters, &mut options);
    Connection::new(role, &options, Some(parameters), entropy)
}

/// DEFLATE that inflates to `mebibytes` of zeros, a thousandth as long.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut server = deflating(Role::Server, |_, _| ());
    let mut frame = Vec::new();
    server
        .send(Message::binary(vec![0; 1 << 20]), &mut frame)
        .unwrap();
    let (header, len) = sockeye::FrameHeader::decode(&frame).unwrap().unwrap();
    assert!(header.rsv1);
    // Between them stands the end of the empty block that permessage-deflate leaves out.
    let unit = [&frame[len..], &[0x00, 0x00, 0xFF, 0xFF]].concat();
    assert!(unit.len() < 2048);
    let mut bomb = unit.repeat(mebibytes);
    bomb.truncate(bomb.len() - 4);
    bomb
}

#[test]
fn cve_2018_1000518_cve_2026_1526_nats_bomb_stops_at_the_limit() {
    // A gibibyte in a megabyte, in one frame and in many, whole and in small reads.
    let bomb = bomb(900);
    for role in ROLES {
        for first in [0xC1, 0xC2] {
            let whole = to(role, first, &bomb);
            assert!(bomb.len() < 1 << 20);
            let mut fragments = to(role, first & 0x7F, &bomb[..1000]);
            for chunk in bomb[1000..].chunks(1000) {
                fragments.extend(to(role, 0x00, chunk));
            }
            for mut bytes in [whole, fragments] {
                for read in [usize::MAX, 1000] {
                    let mut peer = deflating(role, |_, _| ());
                    let mut out = Vec::new();
                    let mut reads = 0;
                    let (outcome, usage) = measure(|| {
                        bytes
                            .clone()
                            .chunks_mut(read.min(bytes.len()))
                            .find_map(|read| {
                                reads += 1;
                                receive_measured(&mut peer, read, &mut out).0.err()
                            })
                    });
                    let error = ProtocolError::MessageTooBig { limit: 1 << 20 };
                    assert_eq!(outcome, Some(error));
                    assert_eq!(out, failure(role, 1009, error));
                    // The copy of the input is the test's.
                    let peak = usage.peak - bytes.len();
                    assert!(peak <= (1 << 20) + 32_768 + DECODER, "{usage:?}");
                    assert!(reads <= 4, "{reads}");
                }
                bytes.clear();
            }
        }
    }
}

#[test]
fn yawc_41_no_progress_after_a_final_block() {
    for role in ROLES {
        // c2: FIN, RSV1, binary. 03 80: an empty final block, then bits that belong to nothing.
        let bytes = to(role, 0xC2, &[0x03, 0x80]);
        let outcome = feed_everywhere(|| deflating(role, |_, _| ()), &bytes);
        assert_eq!(outcome.events, [binary(b"")]);
        assert_eq!((outcome.out, outcome.error), (vec![], None));
    }
}

#[test]
fn okhttp_8078_ktor_5375_final_block_does_not_end_the_stream() {
    for role in ROLES {
        // RFC 7692 §7.2.3.4: "Hello" in a final block, and the empty block after it.
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        // §7.2.3.2: "Hello" as a reference to the message before.
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        // Two final blocks in one message.
        let twice = [&last[..7], &last[..]].concat();
        let bytes = [
            to(role, 0xC1, &last),
            to(role, 0xC1, &last),
            to(role, 0xC1, &again),
            to(role, 0xC1, &twice),
        ]
        .concat();
        let outcome = feed_everywhere(|| deflating(role, |_, _| ()), &bytes);
        let events = ["Hello", "Hello", "Hello", "HelloHello"].map(text);
        assert_eq!((outcome.events, outcome.error), (events.to_vec(), None));
    }
}

#[test]
fn yawc_41_flood_of_empty_blocks_is_refused() {
    for role in ROLES {
        // Half a mebibyte of empty final blocks, each of which begins a stream anew.
        for block in [&[0x03, 0x00][..], &[0x01, 0x00, 0x00, 0xFF, 0xFF]] {
            let mut bytes = to(role, 0xC2, &block.repeat((1 << 19) / block.len()));
            let mut peer = deflating(role, |_, _| ());
            let mut out = Vec::new();
            let (outcome, usage) = receive_measured(&mut peer, &mut bytes, &mut out);
            if block.len() == 5 && !cfg!(feature = "zlib-rs") {
                // miniz_oxide begins anew for next to nothing: five bytes pay for it.
                assert_eq!((outcome, out.len()), (Ok(1), 0));
                continue;
            }
            let error = ProtocolError::InvalidDeflate;
            assert_eq!(outcome, Err(error), "{block:02x?}");
            assert_eq!(out, failure(role, 1007, error));
            // Nothing came out; zlib-rs had room for four times what came in, and never for more than the limit.
            assert!(usage.peak <= (1 << 20) + 32_768 + DECODER, "{usage:?}");
        }
    }
}

#[test]
fn cve_2026_48779_empty_compressed_messages_and_fragments_cost_nothing_lasting() {
    for role in ROLES {
        let mut peer = deflating(role, |_, _| ());
        let mut bytes = to(role, 0xC2, &[0x00]).repeat(10_000);
        let mut out = Vec::new();
        let (events, usage) = receive_measured(&mut peer, &mut bytes, &mut out);
        assert_eq!(events, Ok(10_000));
        assert!(usage.peak <= 32_768 + DECODER, "{usage:?}");
        // Fragments without a byte in them are counted like any others.
        let mut bytes = to(role, 0x42, b"");
        for _ in 0..131_072 {
            bytes.extend(to(role, 0x00, b""));
        }
        let error = ProtocolError::TooManyFragments { limit: 131_072 };
        let (outcome, _) = receive_measured(&mut peer, &mut bytes, &mut out);
        assert_eq!(outcome, Err(error));
    }
}

#[test]
fn cve_2022_35922_window_is_not_reserved_before_it_is_needed() {
    for role in ROLES {
        let (mut peer, usage) = measure(|| deflating(role, |_, _| ()));
        assert!(usage.peak <= SMALL, "{usage:?}");
        // A frame that is announced, and of whose payload nothing has come.
        let mut bytes = header_to(role, 0xC2, 1 << 20);
        let (_, usage) = receive_measured(&mut peer, &mut bytes, &mut Vec::new());
        assert_eq!(usage.peak, 0);
    }
}

#[test]
fn memory_of_a_message_goes_with_it_where_there_is_no_context_takeover() {
    for role in ROLES {
        let mut peer = deflating(role, |parameters, _| {
            parameters.server_no_context_takeover = true;
            parameters.client_no_context_takeover = true;
        });
        let mut bytes = to(role, 0xC2, &bomb(1)[..]);
        let (events, usage) = receive_measured(&mut peer, &mut bytes, &mut Vec::new());
        assert_eq!(events, Ok(1));
        assert!(usage.peak > 1 << 20);
        assert_eq!(usage.kept, 0);
    }
}

/// zlib-rs looks back 32 KiB whatever was negotiated; that costs its own memory, which is bounded, and no other harm.
#[cfg(not(feature = "zlib-rs"))]
#[test]
fn distance_beyond_the_negotiated_window_is_refused() {
    for role in ROLES {
        let make = || {
            deflating(role, |parameters, _| {
                parameters.server_max_window_bits = sockeye::WindowBits::MIN;
                parameters.client_max_window_bits = sockeye::WindowBits::MIN;
            })
        };
        // 256 different bytes, stored, and a match of three bytes at this distance with fixed codes.
        let payload = |distance: u8| {
            let stored = (0..=255).chain([0]).collect::<Vec<u8>>();
            let header = [0x00, 0x01, 0x01, 0xFE, 0xFE];
            let block = match distance {
                // BTYPE 1, length 3, distance code 15 with its 6 bits extra all set: 256.
                0 => [0x02, 0xFA, 0x1F, 0x00],
                // Distance code 16, extra bits 0: 257.
                _ => [0x02, 0x06, 0x00, 0x00],
            };
            [&header[..], &stored, &block].concat()
        };
        let bytes = to(role, 0xC2, &payload(0));
        assert_eq!(feed_everywhere(make, &bytes).error, None);
        let bytes = to(role, 0xC2, &payload(1));
        let outcome = feed_everywhere(make, &bytes);
        assert_eq!(outcome.error, Some(ProtocolError::InvalidDeflate));
    }
}

#[test]
fn nats_bomb_received_in_parts_never_holds_more_than_the_limit() {
    let bomb = bomb(64);
    for role in ROLES {
        // How much of it a read brings makes no difference.
        for read in [256, 16_384, usize::MAX] {
            for limit in [1 << 20, 100_000, 0] {
                let mut peer = deflating(role, |_, options| {
                    options.delivery = Delivery::Parts;
                    options.limits.message_size = limit;
                });
                let mut bytes = to(role, 0xC2, &bomb);
                let read = read.min(bytes.len());
                let mut out = Vec::new();
                let mut received = 0;
                for mut input in bytes.chunks_mut(read) {
                    loop {
                        let (event, usage) = measure(|| peer.receive(&mut input, &mut out));
                        assert!(
                            usage.peak <= limit.max(4128) + 32_768 + DECODER,
                            "{usage:?}"
                        );
                        match event.unwrap() {
                            Some(sockeye::Event::Part(part)) => received += part.data.len(),
                            Some(other) => panic!("{other:?}"),
                            None => break,
                        }
                    }
                }
                assert_eq!(received, 64 << 20);
            }
        }
    }
}
