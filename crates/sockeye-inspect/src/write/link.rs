//! What stands before the IP header of a packet.

/// How packets begin, by what they were captured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkType {
    /// Ethernet.
    #[default]
    Ethernet,
    /// Ethernet with a VLAN tag (IEEE 802.1Q).
    Vlan,
    /// Ethernet with two VLAN tags (IEEE 802.1ad).
    DoubleVlan,
    /// Linux, any interface (`LINUX_SLL`).
    Sll,
    /// Linux, any interface, version 2 (`LINUX_SLL2`).
    Sll2,
    /// BSD loopback on a machine of little-endian byte order.
    Null,
    /// BSD loopback on a machine of big-endian byte order.
    NullBigEndian,
    /// OpenBSD loopback.
    Loop,
    /// An IP header, of version 4 or 6.
    Raw,
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
}

impl LinkType {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Ethernet,
        Self::Vlan,
        Self::DoubleVlan,
        Self::Sll,
        Self::Sll2,
        Self::Null,
        Self::NullBigEndian,
        Self::Loop,
        Self::Raw,
        Self::Ipv4,
        Self::Ipv6,
    ];

    /// The number that pcap and pcapng files have for it (`LINKTYPE_…`).
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Ethernet | Self::Vlan | Self::DoubleVlan => 1,
            Self::Sll => 113,
            Self::Sll2 => 276,
            Self::Null | Self::NullBigEndian => 0,
            Self::Loop => 108,
            Self::Raw => 101,
            Self::Ipv4 => 228,
            Self::Ipv6 => 229,
        }
    }

    /// Appends what stands before the IP header; `to_server` decides about the addresses.
    pub(super) fn put(self, out: &mut Vec<u8>, ipv6: bool, to_server: bool) {
        let ether_type: [u8; 2] = if ipv6 { [0x86, 0xDD] } else { [0x08, 0x00] };
        // Locally administered addresses.
        let (from, to) = if to_server { (1, 2) } else { (2, 1) };
        let source = [0x02, 0, 0, 0, 0, from];
        let destination = [0x02, 0, 0, 0, 0, to];
        // Address family of BSD; 30 is Darwin's for IPv6.
        let family: u32 = if ipv6 { 30 } else { 2 };
        match self {
            Self::Ethernet | Self::Vlan | Self::DoubleVlan => {
                out.extend_from_slice(&destination);
                out.extend_from_slice(&source);
                if self == Self::DoubleVlan {
                    out.extend_from_slice(&[0x88, 0xA8, 0x00, 0x07]);
                }
                if self != Self::Ethernet {
                    out.extend_from_slice(&[0x81, 0x00, 0x00, 0x2A]);
                }
                out.extend_from_slice(&ether_type);
            }
            Self::Sll => {
                // Type (0: to us, 4: from us), ARPHRD of Ethernet, length of the address, the address in 8 bytes, protocol.
                out.extend_from_slice(&[0, if to_server { 4 } else { 0 }, 0, 1, 0, 6]);
                out.extend_from_slice(&source);
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(&ether_type);
            }
            Self::Sll2 => {
                // Protocol, reserved, index of the interface, ARPHRD, type, length of the address, the address in 8 bytes.
                out.extend_from_slice(&ether_type);
                out.extend_from_slice(&[0, 0, 0, 0, 0, 1, 0, 1]);
                out.extend_from_slice(&[if to_server { 4 } else { 0 }, 6]);
                out.extend_from_slice(&source);
                out.extend_from_slice(&[0, 0]);
            }
            Self::Null => out.extend_from_slice(&family.to_le_bytes()),
            // OpenBSD's number for IPv6 is 24.
            Self::Loop if ipv6 => out.extend_from_slice(&24_u32.to_be_bytes()),
            Self::NullBigEndian | Self::Loop => out.extend_from_slice(&family.to_be_bytes()),
            Self::Raw | Self::Ipv4 | Self::Ipv6 => {}
        }
    }
}
