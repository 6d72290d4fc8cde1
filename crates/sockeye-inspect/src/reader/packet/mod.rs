//! Packets: from the link through IP to the segments of TCP.

#[cfg(test)]
mod against_crates;
mod ip;
mod link;

use crate::{
    analysis::{Intake, Problem, Provenance},
    reader::tcp::Tcp,
};
pub(super) use ip::Addresses;
use ip::Datagram;
use link::Network;

/// A packet as the file has it.
pub(super) struct Packet<'a> {
    pub(super) link_type: u16,
    /// How many bytes of checksum stand at its end.
    pub(super) checksum: u32,
    /// How many bytes it had on the wire.
    pub(super) original_len: u32,
    /// Of its first byte.
    pub(super) provenance: Provenance,
    /// What of it is in the file.
    pub(super) data: &'a mut [u8],
}

/// Takes packets, and finds the streams in them.
#[derive(Debug, Default)]
pub(super) struct Packets {
    tcp: Tcp,
    /// Link types that it was told about that they are not known.
    unknown_links: Vec<u16>,
    told_fragments: bool,
}

impl Packets {
    /// Holds at most `held_bytes` out of order for each direction of a connection.
    pub(super) fn new(held_bytes: usize) -> Self {
        Self {
            tcp: Tcp::new(held_bytes),
            ..Self::default()
        }
    }

    /// The next packet.
    pub(super) fn packet(&mut self, packet: Packet<'_>, intake: &mut dyn Intake) {
        let mut data = packet.data;
        let mut original_len = (packet.original_len as usize).max(data.len());
        if packet.checksum > 0 {
            original_len = original_len.saturating_sub(packet.checksum as usize);
            let len = data.len().min(original_len);
            data = &mut data[..len];
        }
        let start = match link::network(packet.link_type, data) {
            Network::Ip(start) => start,
            Network::Other => return,
            Network::Unknown => {
                let links = &mut self.unknown_links;
                if links.len() < MAX_UNKNOWN_LINKS && !links.contains(&packet.link_type) {
                    links.push(packet.link_type);
                    intake.problem(Problem::Skipped {
                        what: format!("packets of link type {}", packet.link_type),
                    });
                }
                return;
            }
        };
        match ip::datagram(&data[start..], original_len - start) {
            Datagram::Tcp(datagram) => {
                let start = start + datagram.start;
                let end = (start + datagram.len).min(data.len());
                let lost = datagram.len - (end - start);
                let provenance = Provenance {
                    offset: packet.provenance.offset.map(|offset| offset + start as u64),
                    ..packet.provenance
                };
                self.tcp.segment(
                    datagram.addresses,
                    provenance,
                    &mut data[start..end],
                    lost,
                    intake,
                );
            }
            Datagram::Fragment => {
                if !core::mem::replace(&mut self.told_fragments, true) {
                    intake.problem(Problem::Skipped {
                        what: "fragments of IP packets with TCP".into(),
                    });
                }
            }
            Datagram::Other => {}
        }
    }

    /// The capture ends here.
    pub(super) fn finish(&mut self, intake: &mut dyn Intake) {
        self.tcp.finish(intake);
    }
}

/// How many link types are told about.
const MAX_UNKNOWN_LINKS: usize = 16;
