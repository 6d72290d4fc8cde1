//! IPv4 and IPv6.

use core::net::IpAddr;

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datagram {
    /// A segment of TCP.
    Tcp(Tcp),
    /// A part of one: it was fragmented on the way.
    Fragment,
    /// Something else, or nothing that can be read.
    Other,
}

/// Where a segment of TCP is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tcp {
    pub(super) addresses: Addresses,
    /// Where it begins in the packet.
    pub(super) start: usize,
    /// How long it was on the wire; not all of it needs to be there.
    pub(super) len: usize,
}

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reader) struct Addresses {
    /// Those of IPv4 are numbers below 2^32.
    pub(in crate::reader) source: u128,
    pub(in crate::reader) destination: u128,
    pub(in crate::reader) ipv6: bool,
}

impl Addresses {
    /// One of them, as the standard library has it.
    pub(in crate::reader) fn ip(address: u128, ipv6: bool) -> IpAddr {
        if ipv6 {
            IpAddr::V6(address.into())
        } else {
            IpAddr::V4((address as u32).into())
        }
    }
}

/// Finds the segment of TCP in an IP packet, of which `data` is what was captured; it and what followed it had `original_len` bytes.
pub(super) fn datagram(data: &[u8], original_len: usize) -> Datagram {
    match data.first() {
        Some(first) if first >> 4 == 4 => ipv4(data, original_len),
        Some(first) if first >> 4 == 6 => ipv6(data, original_len),
        _ => Datagram::Other,
    }
}

fn ipv4(data: &[u8], original_len: usize) -> Datagram {
    let Some(header) = data.first_chunk::<20>() else {
        return Datagram::Other;
    };
    let start = usize::from(header[0] & 0x0F) * 4;
    // Padding of Ethernet follows the packet's length. 0 stands for what the network card was going to cut into segments (TSO).
    let len = match u16::from_be_bytes([header[2], header[3]]) {
        0 => original_len,
        len => len.into(),
    };
    if header[9] != PROTOCOL_TCP || start < 20 || start > data.len() || start > len {
        return Datagram::Other;
    }
    // More fragments, or not the first.
    if u16::from_be_bytes([header[6], header[7]]) & 0x3FFF != 0 {
        return Datagram::Fragment;
    }
    Datagram::Tcp(Tcp {
        addresses: Addresses {
            source: u128::from(u32::from_be_bytes([
                header[12], header[13], header[14], header[15],
            ])),
            destination: u128::from(u32::from_be_bytes([
                header[16], header[17], header[18], header[19],
            ])),
            ipv6: false,
        },
        start,
        len: len - start,
    })
}

fn ipv6(data: &[u8], original_len: usize) -> Datagram {
    let Some((header, _)) = data.split_first_chunk::<40>() else {
        return Datagram::Other;
    };
    // 0 stands for a jumbo payload (RFC 2675), or for what the network card was going to cut.
    let len = match u16::from_be_bytes([header[4], header[5]]) {
        0 => original_len,
        len => 40 + usize::from(len),
    };
    let mut start = 40;
    let mut protocol = header[6];
    let mut fragment = false;
    // Each extension header is at least 8 bytes of the packet.
    while protocol != PROTOCOL_TCP {
        let Some([next, extension_len, high, low, ..]) = data.get(start..) else {
            return Datagram::Other;
        };
        start += match protocol {
            // Hop-by-hop options, routing, destination options.
            0 | 43 | 60 => 8 + usize::from(*extension_len) * 8,
            44 => {
                // Offset and more fragments; without both, it is whole (RFC 6946).
                fragment |= u16::from_be_bytes([*high, *low]) & 0xFFF9 != 0;
                8
            }
            // Authentication counts words of 4 bytes.
            51 => 8 + usize::from(*extension_len) * 4,
            _ => return Datagram::Other,
        };
        protocol = *next;
        if fragment && protocol != PROTOCOL_TCP {
            return Datagram::Other;
        }
    }
    if fragment {
        return Datagram::Fragment;
    }
    if start > data.len() || start > len {
        return Datagram::Other;
    }
    let [source, destination] = [8, 24].map(|at| {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&header[at..at + 16]);
        u128::from_be_bytes(bytes)
    });
    Datagram::Tcp(Tcp {
        addresses: Addresses {
            source,
            destination,
            ipv6: true,
        },
        start,
        len: len - start,
    })
}

const PROTOCOL_TCP: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn ipv4_header() -> Vec<u8> {
        #[rustfmt::skip]
        let header = [
            0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0,  // 40 bytes, not to be fragmented, TCP
            192, 0, 2, 1, 192, 0, 2, 2,
        ];
        header.to_vec()
    }

    fn ipv6_header(next: u8, len: u16) -> Vec<u8> {
        let mut header = vec![0x60, 0, 0, 0];
        header.extend(len.to_be_bytes());
        header.extend([next, 64]);
        header.extend([0x11; 16]);
        header.extend([0x22; 16]);
        header
    }

    /// Start and length of the segment.
    fn place(datagram: Datagram) -> Option<(usize, usize)> {
        match datagram {
            Datagram::Tcp(tcp) => Some((tcp.start, tcp.len)),
            _ => None,
        }
    }

    #[test]
    fn length_of_ipv4_cuts_padding_and_says_what_is_missing() {
        let mut data = ipv4_header();
        assert_eq!(place(datagram(&data, 20)), Some((20, 20)));
        data.extend([0; 40]);
        assert_eq!(place(datagram(&data, 60)), Some((20, 20)));
        let Datagram::Tcp(tcp) = datagram(&data, 60) else {
            panic!("{data:?}");
        };
        assert_eq!(
            Addresses::ip(tcp.addresses.source, false).to_string(),
            "192.0.2.1"
        );
        assert_eq!(
            Addresses::ip(tcp.addresses.destination, false).to_string(),
            "192.0.2.2"
        );
    }

    #[test]
    fn length_zero_is_that_of_the_packet() {
        let mut data = ipv4_header();
        data[3] = 0;
        assert_eq!(place(datagram(&data, 70_000)), Some((20, 69_980)));
        let data = ipv6_header(6, 0);
        assert_eq!(place(datagram(&data, 70_000)), Some((40, 69_960)));
    }

    #[test]
    fn options_of_ipv4_are_passed_over() {
        let mut data = ipv4_header();
        data[0] = 0x47;
        data.extend([1; 8]);
        assert_eq!(place(datagram(&data, 40)), Some((28, 12)));
        for first in [0x44, 0x4F, 0x55, 0x05] {
            data[0] = first;
            assert_eq!(datagram(&data, 40), Datagram::Other, "{first:#x}");
        }
    }

    #[test]
    fn fragments_and_other_protocols_are_told_apart() {
        let mut data = ipv4_header();
        data[6] = 0x20;
        assert_eq!(datagram(&data, 40), Datagram::Fragment);
        data[6..8].copy_from_slice(&[0x00, 0x01]);
        assert_eq!(datagram(&data, 40), Datagram::Fragment);
        data[9] = 17;
        assert_eq!(datagram(&data, 40), Datagram::Other);

        let mut data = ipv6_header(44, 28);
        data.extend([6, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(place(datagram(&data, 68)), Some((48, 20)));
        data[43] = 1;
        assert_eq!(datagram(&data, 68), Datagram::Fragment);
        data[40] = 17;
        assert_eq!(datagram(&data, 68), Datagram::Other);
    }

    #[test]
    fn extension_headers_of_ipv6_are_passed_over() {
        let mut data = ipv6_header(0, 8 + 16 + 12 + 8 + 20);
        data.extend([43, 0, 0, 0, 0, 0, 0, 0]);
        data.extend([51, 1]);
        data.extend([0; 14]);
        data.extend([60, 1]);
        data.extend([0; 10]);
        data.extend([6, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(place(datagram(&data, 200)), Some((84, 20)));
        // The headers may be cut anywhere.
        for len in 0..84 {
            assert_eq!(datagram(&data[..len], 200), Datagram::Other, "{len}");
        }
        // No next header.
        assert_eq!(datagram(&ipv6_header(59, 8), 48), Datagram::Other);
    }
}
