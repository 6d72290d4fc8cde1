//! Writes captures: containers of packets ([`PcapNgWriter`], [`PcapWriter`]), and the packets of TCP around two streams of bytes
//! ([`Conversation`]).
//!
//! ```
//! use sockeye_inspect::{Direction, Timestamp, write::{Conversation, LinkType, PcapNgWriter, Section}};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut writer = PcapNgWriter::new(Vec::new(), &Section::default())?;
//! let interface = writer.interface(LinkType::Ethernet.number(), "example")?;
//! let mut conversation = Conversation::new(([127, 0, 0, 1], 50_000).into(), ([127, 0, 0, 1], 80).into());
//! let time = Timestamp::from_nanos(1_700_000_000_000_000_000);
//! let mut packets = conversation.open(time);
//! packets.extend(conversation.send(Direction::ToServer, time, b"GET /chat HTTP/1.1\r\n\r\n"));
//! for packet in &packets {
//!     writer.packet(interface, packet.time, &packet.data, None)?;
//! }
//! let file = writer.into_inner();
//! assert_eq!(file[..4], [0x0A, 0x0D, 0x0D, 0x0A]);
//! # Ok(())
//! # }
//! ```

mod conversation;
mod link;
mod pcap;
mod pcapng;

pub use conversation::{Conversation, Packet};
pub use link::LinkType;
pub use pcap::{PcapOptions, PcapWriter};
pub use pcapng::{PcapNgWriter, Section};
