//! What packets begin with, by the link they were captured on.

/// What lies behind the header of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// An IP packet, from this place on.
    Ip(usize),
    /// Something else, or nothing.
    Other,
    /// Nobody knows: the link type is not known.
    Unknown,
}

/// Finds the IP packet in a packet of a link type (<https://www.tcpdump.org/linktypes.html>).
pub(super) fn network(link_type: u16, data: &[u8]) -> Network {
    match link_type {
        LINKTYPE_ETHERNET => ether_type(data, 12),
        LINKTYPE_NULL | LINKTYPE_LOOP => match data.first_chunk() {
            // The family in the byte order of whoever captured; each number reads differently in the other.
            Some(family) => match (u32::from_le_bytes(*family), u32::from_be_bytes(*family)) {
                (2 | 24 | 28 | 30, _) | (_, 2 | 24 | 28 | 30) => Network::Ip(4),
                _ => Network::Other,
            },
            None => Network::Other,
        },
        12 | 14 | LINKTYPE_RAW | LINKTYPE_IPV4 | LINKTYPE_IPV6 => Network::Ip(0),
        LINKTYPE_LINUX_SLL => ether_type(data, 14),
        // The protocol stands first, the packet behind all 20 bytes.
        LINKTYPE_LINUX_SLL2 => match u16_at(data, 0) {
            Some(VLAN | SERVICE_VLAN | OLD_VLAN) => ether_type(data, 22),
            Some(IPV4 | IPV6) if data.len() >= 20 => Network::Ip(20),
            _ => Network::Other,
        },
        LINKTYPE_PPP => ppp(data, 0),
        _ => Network::Unknown,
    }
}

/// What the EtherType at `at` says about what is behind it. A length of IEEE 802.3 (LLC) is no such type.
fn ether_type(data: &[u8], mut at: usize) -> Network {
    // Each tag takes four bytes of the packet.
    while let Some(kind) = u16_at(data, at) {
        at += 2;
        match kind {
            IPV4 | IPV6 => return Network::Ip(at),
            // Tag control information, and the next type.
            VLAN | SERVICE_VLAN | OLD_VLAN => at += 2,
            // Version, code, session and length stand before the PPP packet.
            PPPOE_SESSION => return ppp(data, at + 6),
            _ => break,
        }
    }
    Network::Other
}

/// PPP with or without address and control field.
fn ppp(data: &[u8], mut at: usize) -> Network {
    if u16_at(data, at) == Some(0xFF03) {
        at += 2;
    }
    match u16_at(data, at) {
        Some(0x0021 | 0x0057) => Network::Ip(at + 2),
        _ => Network::Other,
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

const LINKTYPE_NULL: u16 = 0;
const LINKTYPE_ETHERNET: u16 = 1;
const LINKTYPE_PPP: u16 = 9;
const LINKTYPE_RAW: u16 = 101;
const LINKTYPE_LOOP: u16 = 108;
const LINKTYPE_LINUX_SLL: u16 = 113;
const LINKTYPE_IPV4: u16 = 228;
const LINKTYPE_IPV6: u16 = 229;
const LINKTYPE_LINUX_SLL2: u16 = 276;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86DD;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88A8;
const OLD_VLAN: u16 = 0x9100;
const PPPOE_SESSION: u16 = 0x8864;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_is_found_behind_any_number_of_tags() {
        let mut data = vec![0; 12];
        for tags in 0..5 {
            let mut packet = data.clone();
            packet.extend([0x08, 0x00, 0x45]);
            assert_eq!(network(1, &packet), Network::Ip(14 + 4 * tags));
            data.extend([0x81, 0x00, 0x00, 0x01]);
        }
    }

    #[test]
    fn logical_link_control_is_no_ip() {
        let mut data = vec![0; 12];
        data.extend([0x00, 0x26, 0x42, 0x42, 0x03]);
        assert_eq!(network(1, &data), Network::Other);
    }

    #[test]
    fn families_of_loopback_are_read_in_both_byte_orders() {
        for family in [2_u32, 24, 28, 30] {
            assert_eq!(network(0, &family.to_le_bytes()), Network::Ip(4));
            assert_eq!(network(0, &family.to_be_bytes()), Network::Ip(4));
            assert_eq!(network(108, &family.to_be_bytes()), Network::Ip(4));
        }
        assert_eq!(network(0, &[7, 0, 0, 0]), Network::Other);
        assert_eq!(network(0, &[2, 0, 0]), Network::Other);
    }

    #[test]
    fn point_to_point_packets_are_found_on_their_own_and_on_ethernet() {
        assert_eq!(network(9, &[0x00, 0x21, 0x45]), Network::Ip(2));
        assert_eq!(network(9, &[0xFF, 0x03, 0x00, 0x57, 0x60]), Network::Ip(4));
        assert_eq!(network(9, &[0xC0, 0x21, 0x01]), Network::Other);
        let mut data = vec![0; 12];
        data.extend([0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0x00, 0x21]);
        assert_eq!(network(1, &data), Network::Ip(22));
    }

    #[test]
    fn packets_cut_in_the_header_are_nothing() {
        for link_type in [1, 9, 113, 276] {
            for len in 0..14 {
                assert_eq!(network(link_type, &vec![0x81; len]), Network::Other);
            }
        }
        assert_eq!(network(147, &[0x45; 40]), Network::Unknown);
    }
}
