//! pcapng: the bytes of connections in TCP segments made for them.

use core::{
    cmp::Reverse,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};
use std::{
    collections::{BinaryHeap, HashMap, hash_map::Entry},
    io::{self, Write},
};

use super::source::{Export, on_record};
use crate::{
    Connection, Direction, Frame, OnRecord, ReadAt, Security, Timestamp,
    write::{Conversation, LinkType, Packet, PcapNgWriter, Section},
};

/// A capture that is being written.
#[derive(Debug)]
pub(super) struct PcapNg<W: Write> {
    writer: PcapNgWriter<W>,
    interface: u32,
    /// Connections of the captures before.
    before: u32,
}

impl<W: Write> PcapNg<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let section = Section {
            application: concat!("sockeye inspect ", env!("CARGO_PKG_VERSION")),
            ..Section::default()
        };
        let mut writer = PcapNgWriter::new(out, &section)?;
        let interface = writer.interface(LinkType::Ethernet.number(), "")?;
        Ok(Self {
            writer,
            interface,
            before: 0,
        })
    }

    pub(super) fn add<S: ReadAt + ?Sized>(
        &mut self,
        export: &Export<'_, S>,
        frames: impl Iterator<Item = u32>,
    ) -> io::Result<()> {
        let connections = export.capture.connections();
        let mut open = HashMap::new();
        // Ends that are still to come, the earliest first: a later connection may have the same addresses.
        let mut ends = BinaryHeap::new();
        for frame in frames.filter_map(|number| export.capture.frame(number)) {
            let Some(connection) = connections.get(frame.connection as usize) else {
                continue;
            };
            while let Some(&Reverse((time, number))) = ends.peek()
                && time < frame.time
                && number != frame.connection
            {
                ends.pop();
                if let Some(conversation) = open.get_mut(&number) {
                    self.end(&connections[number as usize], conversation)?;
                }
            }
            let conversation = match open.entry(frame.connection) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    ends.push(Reverse((end_time(connection), frame.connection)));
                    let number = self.before.wrapping_add(connection.number);
                    let conversation = entry.insert(conversation(connection, number));
                    self.begin(connection, conversation)?;
                    conversation
                }
            };
            self.frame(export, &frame, conversation)?;
        }
        while let Some(Reverse((_, number))) = ends.pop() {
            if let Some(conversation) = open.get_mut(&number) {
                self.end(&connections[number as usize], conversation)?;
            }
        }
        self.before = self.before.wrapping_add(connections.len() as u32);
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// The connection's opening: without a handshake it begins in the middle.
    fn begin(
        &mut self,
        connection: &Connection,
        conversation: &mut Conversation,
    ) -> io::Result<()> {
        let Some(handshake) = &connection.handshake else {
            return Ok(());
        };
        let requested = known(handshake.requested, connection.opened);
        let answered = known(handshake.answered, requested);
        let mut packets = conversation.open(known(connection.opened, requested));
        packets.extend(conversation.send(Direction::ToServer, requested, &handshake.request));
        packets.extend(conversation.send(Direction::ToClient, answered, &handshake.response));
        let comment = match &connection.security {
            Security::Plain => None,
            Security::Tls(description) => Some(format!("decrypted: {description}")),
            Security::Decrypted => Some("decrypted by who captured it".into()),
        };
        self.packets(&packets, comment.as_deref())
    }

    fn frame<S: ReadAt + ?Sized>(
        &mut self,
        export: &Export<'_, S>,
        frame: &Frame,
        conversation: &mut Conversation,
    ) -> io::Result<()> {
        let capture = export.capture;
        let direction = frame.direction;
        let bytes = match frame.on_record {
            OnRecord::Message => on_record(capture.payload(frame.number, LIMIT, export.source))?
                .map(|mut payload| {
                    payload.data = made(frame, &payload.data);
                    payload.total = payload.data.len() as u64;
                    payload
                }),
            _ => on_record(capture.wire(frame.number, LIMIT, export.source))?,
        };
        let Some(bytes) = bytes else {
            let len = frame.wire_len().min(u64::from(u32::MAX)) as u32;
            conversation.lose(direction, len);
            return Ok(());
        };
        let mut comment = match frame.on_record {
            OnRecord::Message => Some("a message: header and masking key are made up"),
            _ if !bytes.missing.is_empty() => Some("what the capture lacks stands as zeros"),
            _ => None,
        };
        // Each piece becomes packets in memory.
        for piece in bytes.data.chunks(1 << 20) {
            let packets = conversation.send(direction, frame.time, piece);
            self.packets(&packets, comment.take())?;
        }
        let cut = bytes.total.saturating_sub(bytes.data.len() as u64);
        conversation.lose(direction, cut.min(u64::from(u32::MAX)) as u32);
        Ok(())
    }

    fn end(&mut self, connection: &Connection, conversation: &mut Conversation) -> io::Result<()> {
        let end = &connection.end;
        let mut finished: Vec<_> = Direction::BOTH
            .into_iter()
            .filter_map(|direction| Some((end.finished[direction.index()]?, direction)))
            .collect();
        finished.sort_unstable();
        for (time, direction) in finished {
            let packets = conversation.finish(direction, time);
            self.packets(&packets, None)?;
        }
        if let Some((direction, time)) = end.reset {
            let packet = conversation.reset(direction, time);
            self.packets(&[packet], None)?;
        }
        Ok(())
    }

    /// Writes packets, the first with a comment.
    fn packets(&mut self, packets: &[Packet], mut comment: Option<&str>) -> io::Result<()> {
        for packet in packets {
            self.writer
                .packet(self.interface, packet.time, &packet.data, comment.take())?;
        }
        Ok(())
    }
}

/// The TCP connection that stands for this one, the `number`th of the file.
fn conversation(connection: &Connection, number: u32) -> Conversation {
    // 198.18.0.0/15 is for tests of devices (RFC 2544): nobody has these addresses.
    let [_, high, middle, low] = number.to_be_bytes();
    let own = Ipv4Addr::new(198, 18 + (high & 1), middle, low);
    let client = connection
        .client
        .unwrap_or_else(|| SocketAddr::new(IpAddr::V4(own), 50_000));
    let mut server = connection
        .server
        .unwrap_or_else(|| SocketAddr::new(Ipv4Addr::new(198, 19, 255, 255).into(), 80));
    // On this port others would take what is plain here for TLS.
    if connection.security != Security::Plain && server.port() == 443 {
        server.set_port(80);
    }
    // Connections one after the other between the same ports are told apart by these.
    let first = number.wrapping_mul(0x9E37_79B9);
    Conversation::new(client, server)
        .with_sequence(Direction::ToServer, first)
        .with_sequence(Direction::ToClient, first ^ 0x5555_5555)
}

/// When its last packet is due.
fn end_time(connection: &Connection) -> Timestamp {
    let reset = connection.end.reset.map(|(_, time)| time);
    let finished = connection.end.finished.into_iter().flatten();
    finished.chain(reset).max().unwrap_or(connection.last)
}

/// The frame that could have carried a message.
fn made(frame: &Frame, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80 | (frame.opcode & 0xF)];
    let is_masked = frame.direction == Direction::ToServer;
    let mask_bit = if is_masked { 0x80 } else { 0 };
    match payload.len() {
        len @ ..126 => out.push(mask_bit | len as u8),
        len @ ..0x1_0000 => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    if is_masked {
        // Each another one, and never 0.
        let key = (frame.number.wrapping_mul(0x9E37_79B9) | 1).to_be_bytes();
        out.extend_from_slice(&key);
        let masked = payload.iter().zip(key.iter().cycle());
        out.extend(masked.map(|(byte, key)| byte ^ key));
    } else {
        out.extend_from_slice(payload);
    }
    out
}

/// The first, if it is known.
const fn known(time: Timestamp, otherwise: Timestamp) -> Timestamp {
    if time.is_known() { time } else { otherwise }
}

/// Longest frame that is written whole.
const LIMIT: usize = 1 << 30;
