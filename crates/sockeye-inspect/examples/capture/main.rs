//! Makes captures: one to measure with, and small ones that show what traffic can look like.
//!
//! ```text
//! cargo run --release --package sockeye-inspect --example capture -- frames 1000000 million.pcap
//! cargo run --release --package sockeye-inspect --example capture -- samples FOLDER
//! ```

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use sockeye_inspect::write::{Conversation, Packet, PcapOptions, PcapWriter};
use sockeye_inspect::{Direction, Timestamp};

mod samples;
mod talk;

use talk::{CLIENT, SERVER, frame};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["frames", count, file] => match count.parse() {
            Ok(count) => frames(count, Path::new(file)),
            Err(_) => Err(io::Error::other("the count of frames is no number")),
        },
        ["samples", folder] => samples(Path::new(folder)),
        _ => Err(io::Error::other(
            "say `frames COUNT FILE` or `samples FOLDER`",
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A pcap with a handshake, and then a frame of 97 bytes in each packet: with all headers, 167 bytes for each frame. Two in two hundred are
/// a Ping and its Pong.
fn frames(count: u64, file: &Path) -> io::Result<()> {
    let mut out = PcapWriter::new(
        BufWriter::with_capacity(1 << 20, File::create(file)?),
        PcapOptions::default(),
    )?;
    let mut conversation = Conversation::new(talk::client(0), talk::server());
    let mut nanos = talk::START;
    let mut write = |packets: Vec<Packet>| {
        packets
            .iter()
            .try_for_each(|packet| out.packet(packet.time, &packet.data))
    };
    let now = Timestamp::from_nanos(nanos);
    write(conversation.open(now))?;
    let (request, response) = talk::handshake("/ticks", &[], &[]);
    write(conversation.send(CLIENT, now, &request))?;
    write(conversation.send(SERVER, now, &response))?;
    for number in 0..count {
        nanos += 50_000;
        let direction = Direction::BOTH[(number % 2) as usize];
        let opcode = match number % 200 {
            198 => 0x9,
            199 => 0xA,
            _ => 0x1,
        };
        // A masking key makes the header longer, and so the payload shorter; a Pong has the payload of its Ping.
        let len = if direction == CLIENT || opcode == 0xA {
            91
        } else {
            95
        };
        let tick = if opcode == 0x1 { number } else { number / 200 };
        let mut text = format!(
            r#"{{"type":"tick","n":{tick:08},"bid":{}.{:02},"ask":{}.{:02}}}"#,
            100 + tick % 7,
            tick % 100,
            101 + tick % 5,
            tick * 7 % 100
        );
        while text.len() < len {
            text.push(' ');
        }
        let bytes = frame(direction, 0x80 | opcode, number as u32, text.as_bytes());
        write(conversation.send(direction, Timestamp::from_nanos(nanos), &bytes))?;
    }
    out.into_inner().flush()
}

/// Every sample, and `index.json`, which says what they are.
fn samples(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut index = String::from("[");
    for (number, sample) in samples::all().into_iter().enumerate() {
        let separator = if number == 0 { "" } else { "," };
        let file = format!("{}.pcapng", sample.name);
        // Names and sentences are written below, and have nothing to escape.
        index += &format!(
            "{separator}\n  {{ \"file\": \"{file}\", \"name\": \"{}\", \"description\": \"{}\" }}",
            sample.title, sample.description
        );
        fs::write(folder.join(file), sample.bytes)?;
    }
    fs::write(folder.join("index.json"), index + "\n]\n")
}
