//! Packets of TCP around two streams of bytes.

use core::net::{IpAddr, SocketAddr};

use super::LinkType;
use crate::{Direction, Timestamp};

/// A packet as it stands in a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it was captured.
    pub time: Timestamp,
    /// Its bytes, from those of the link on.
    pub data: Vec<u8>,
}

/// Makes the packets that a TCP connection would have had: with right lengths, sequence numbers and checksums, so that other tools read them.
///
/// Each packet acknowledges all that the other side sent before; packets that do nothing else are made by [`Self::acknowledge`].
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Of client and server.
    addresses: [SocketAddr; 2],
    link: LinkType,
    mss: usize,
    /// The next sequence number of what goes in each [`Direction`].
    sequence: [u32; 2],
    /// Number of the next IPv4 packet in each direction.
    identification: [u16; 2],
    finished: [bool; 2],
}

impl Conversation {
    /// A connection between two addresses, on Ethernet, in segments of at most 1,460 bytes (IPv6: 1,440). Where one address is IPv4 and the other
    /// IPv6, the first is mapped.
    #[must_use]
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        let ipv6 = client.is_ipv6() || server.is_ipv6();
        let addresses = [client, server].map(|address| match address.ip() {
            IpAddr::V4(ip) if ipv6 => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
            _ => address,
        });
        Self {
            addresses,
            link: LinkType::default(),
            mss: if ipv6 { 1_440 } else { 1_460 },
            sequence: [1_000_000, 2_000_000],
            identification: [0; 2],
            finished: [false; 2],
        }
    }

    /// Has packets begin as those of another link.
    #[must_use]
    pub const fn with_link(mut self, link: LinkType) -> Self {
        self.link = link;
        self
    }

    /// Cuts segments at this many bytes of payload, 1 to 65,000.
    #[must_use]
    pub fn with_mss(mut self, mss: u16) -> Self {
        // An IP packet has room for 65,535 bytes with its headers.
        self.mss = usize::from(mss.clamp(1, 65_000));
        self
    }

    /// Begins with another sequence number in one direction; it is the one of SYN.
    #[must_use]
    pub const fn with_sequence(mut self, direction: Direction, sequence: u32) -> Self {
        self.sequence[direction.index()] = sequence;
        self
    }

    /// The handshake: SYN, SYN and ACK, ACK. Without it, the capture seems to begin within the connection.
    pub fn open(&mut self, time: Timestamp) -> Vec<Packet> {
        // Maximum segment size (for the tools that look), and a window scale of 14, so that no window is ever full.
        let mss = (self.mss as u16).to_be_bytes();
        let options = [2, 4, mss[0], mss[1], 1, 3, 3, 14];
        let [client, server] = Direction::BOTH;
        let mut packets = Vec::with_capacity(3);
        packets.push(self.packet(client, time, SYN, &options, &[]));
        self.advance(client, 1);
        packets.push(self.packet(server, time, SYN | ACK, &options, &[]));
        self.advance(server, 1);
        packets.push(self.acknowledge(client, time));
        packets
    }

    /// Bytes of the stream, in as many segments as they need.
    pub fn send(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) -> Vec<Packet> {
        let last = bytes.len().div_ceil(self.mss).saturating_sub(1);
        let mut packets = Vec::with_capacity(last + 1);
        for (index, segment) in bytes.chunks(self.mss).enumerate() {
            let flags = if index == last { PSH | ACK } else { ACK };
            packets.push(self.packet(direction, time, flags, &[], segment));
            self.advance(direction, segment.len());
        }
        packets
    }

    /// A packet without bytes, which acknowledges all that came from the other side.
    pub fn acknowledge(&mut self, direction: Direction, time: Timestamp) -> Packet {
        self.packet(direction, time, ACK, &[], &[])
    }

    /// The end of one direction: FIN, and the other side's ACK. Once in each direction; again, it is nothing.
    pub fn finish(&mut self, direction: Direction, time: Timestamp) -> Vec<Packet> {
        if core::mem::replace(&mut self.finished[direction.index()], true) {
            return Vec::new();
        }
        let fin = self.packet(direction, time, FIN | ACK, &[], &[]);
        self.advance(direction, 1);
        vec![fin, self.acknowledge(direction.reversed(), time)]
    }

    /// A reset, which ends both directions.
    pub fn reset(&mut self, direction: Direction, time: Timestamp) -> Packet {
        self.finished = [true; 2];
        self.packet(direction, time, RST | ACK, &[], &[])
    }

    /// Passes over `len` bytes of the stream as if they had been sent: they will be missing from the capture.
    pub fn lose(&mut self, direction: Direction, len: u32) {
        let sequence = &mut self.sequence[direction.index()];
        *sequence = sequence.wrapping_add(len);
    }

    /// The sequence number of the next byte.
    #[must_use]
    pub const fn sequence(&self, direction: Direction) -> u32 {
        self.sequence[direction.index()]
    }

    fn advance(&mut self, direction: Direction, len: usize) {
        self.lose(direction, len as u32);
    }

    fn packet(
        &mut self,
        direction: Direction,
        time: Timestamp,
        flags: u8,
        options: &[u8],
        payload: &[u8],
    ) -> Packet {
        let [from, to] = match direction {
            Direction::ToServer => self.addresses,
            Direction::ToClient => [self.addresses[1], self.addresses[0]],
        };
        let to_server = direction == Direction::ToServer;
        let tcp_len = 20 + options.len() + payload.len();
        let mut data = Vec::with_capacity(62 + tcp_len);
        self.link.put(&mut data, from.is_ipv6(), to_server);

        // The sum over the pseudo-header: addresses, protocol, length.
        let mut sum = u64::from(PROTOCOL_TCP) + tcp_len as u64;
        match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let start = data.len();
                let identification = &mut self.identification[direction.index()];
                data.extend_from_slice(&[0x45, 0]);
                data.extend_from_slice(&((20 + tcp_len) as u16).to_be_bytes());
                data.extend_from_slice(&identification.to_be_bytes());
                // Not to be fragmented, 64 hops, the checksum to come.
                data.extend_from_slice(&[0x40, 0, 64, PROTOCOL_TCP, 0, 0]);
                data.extend_from_slice(&from.octets());
                data.extend_from_slice(&to.octets());
                *identification = identification.wrapping_add(1);
                let checksum = fold(add(0, &data[start..]));
                data[start + 10..start + 12].copy_from_slice(&checksum);
                sum = add(sum, &data[start + 12..]);
            }
            (from, to) => {
                let start = data.len();
                data.extend_from_slice(&[0x60, 0, 0, 0]);
                data.extend_from_slice(&(tcp_len as u16).to_be_bytes());
                data.extend_from_slice(&[PROTOCOL_TCP, 64]);
                for ip in [from, to] {
                    data.extend_from_slice(&match ip {
                        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                        IpAddr::V6(ip) => ip.octets(),
                    });
                }
                sum = add(sum, &data[start + 8..]);
            }
        }

        let start = data.len();
        let acknowledgement = if flags & ACK == 0 {
            0
        } else {
            self.sequence[direction.reversed().index()]
        };
        data.extend_from_slice(&from.port().to_be_bytes());
        data.extend_from_slice(&to.port().to_be_bytes());
        data.extend_from_slice(&self.sequence[direction.index()].to_be_bytes());
        data.extend_from_slice(&acknowledgement.to_be_bytes());
        data.extend_from_slice(&[((20 + options.len()) as u8) << 2, flags]);
        // Window, checksum to come, no urgent data.
        data.extend_from_slice(&[0xFF, 0xFF, 0, 0, 0, 0]);
        data.extend_from_slice(options);
        data.extend_from_slice(payload);
        let checksum = fold(add(sum, &data[start..]));
        data[start + 16..start + 18].copy_from_slice(&checksum);
        Packet { time, data }
    }
}

/// Adds `bytes` as big-endian words of 16 bits ([RFC 1071](https://www.rfc-editor.org/rfc/rfc1071)); an odd last byte is a high one.
fn add(sum: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    words.iter().fold(sum + last, |sum, word| {
        sum + u64::from(u16::from_be_bytes(*word))
    })
}

/// The checksum of a sum.
fn fold(mut sum: u64) -> [u8; 2] {
    while sum > 0xFFFF {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    (!(sum as u16)).to_be_bytes()
}

const PROTOCOL_TCP: u8 = 6;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Conversation {
        Conversation::new(([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 2], 80).into())
            .with_link(LinkType::Raw)
    }

    #[test]
    fn segment_has_right_lengths_numbers_and_checksums() {
        let time = Timestamp::from_nanos(7);
        let mut conversation = conversation();
        assert_eq!(conversation.open(time).len(), 3);
        let packets = conversation.send(Direction::ToServer, time, b"hey");
        #[rustfmt::skip]
        let expected = [
            0x45, 0, 0, 43, 0, 2, 0x40, 0, 64, 6, 0xB6, 0xC7, 192, 0, 2, 1, 192, 0, 2, 2,
            0xC3, 0x50, 0, 80, 0x00, 0x0F, 0x42, 0x41, 0x00, 0x1E, 0x84, 0x81, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0,
            b'h', b'e', b'y',
        ];
        assert_eq!(packets.len(), 1);
        let mut data = packets[0].data.clone();
        // The sum over all words with the checksum is 0 (RFC 1071 §1).
        assert_eq!(fold(add(0, &data[..20])), [0, 0]);
        assert_eq!(fold(add(6 + 23, &data[12..])), [0, 0]);
        data[36..38].fill(0);
        assert_eq!(data, expected);
    }

    #[test]
    fn bytes_are_cut_at_the_maximum_segment_size() {
        let mut conversation = conversation().with_mss(4);
        let packets = conversation.send(Direction::ToClient, Timestamp::UNKNOWN, b"0123456789");
        let payloads: Vec<_> = packets.iter().map(|packet| &packet.data[40..]).collect();
        assert_eq!(payloads, [&b"0123"[..], b"4567", b"89"]);
        assert_eq!(conversation.sequence(Direction::ToClient), 2_000_010);
        assert!(
            conversation
                .send(Direction::ToClient, Timestamp::UNKNOWN, b"")
                .is_empty()
        );
    }

    #[test]
    fn each_direction_is_finished_once() {
        let mut conversation = conversation();
        for direction in Direction::BOTH {
            assert_eq!(conversation.finish(direction, Timestamp::UNKNOWN).len(), 2);
            assert!(
                conversation
                    .finish(direction, Timestamp::UNKNOWN)
                    .is_empty()
            );
        }
    }

    #[test]
    fn every_link_type_has_its_length() {
        for (link, len) in LinkType::ALL
            .into_iter()
            .zip([14, 18, 22, 16, 20, 4, 4, 4, 0, 0, 0])
        {
            let mut conversation = conversation().with_link(link);
            let packet = conversation.acknowledge(Direction::ToServer, Timestamp::UNKNOWN);
            assert_eq!(packet.data.len(), len + 40, "{link:?}");
        }
    }
}
