//! What the two hellos say (RFC 8446 §4.1, RFC 5246 §7.4.1).

/// What a ClientHello says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub(super) random: [u8; 32],
    /// Whether data may come before the handshake is done (0-RTT).
    pub(super) early_data: bool,
}

/// What a ServerHello says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) version: u16,
    pub(super) suite: u16,
    /// Whether it is a HelloRetryRequest: another ClientHello follows, and another ServerHello.
    pub(super) retry: bool,
}

impl ClientHello {
    /// Reads the body of the message.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut fields = Fields(body);
        fields.take(2)?;
        let random = fields.take(32)?.try_into().ok()?;
        fields.vector8()?;
        fields.vector16()?;
        fields.vector8()?;
        Some(Self {
            random,
            early_data: extension(fields, EARLY_DATA).is_some(),
        })
    }
}

impl ServerHello {
    /// Reads the body of the message.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut fields = Fields(body);
        let legacy = fields.u16()?;
        let random: [u8; 32] = fields.take(32)?.try_into().ok()?;
        fields.vector8()?;
        let suite = fields.u16()?;
        fields.take(1)?;
        let version = match extension(fields, SUPPORTED_VERSIONS) {
            Some(version) => Fields(version).u16()?,
            None => legacy,
        };
        Some(Self {
            random,
            version,
            suite,
            retry: random == RETRY,
        })
    }
}

/// Whether EncryptedExtensions accept early data.
pub(super) fn accepts_early_data(body: &[u8]) -> bool {
    extension(Fields(body), EARLY_DATA).is_some()
}

const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// RFC 8446 §4.1.3: the random of a HelloRetryRequest, SHA-256 of its name.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The extension of this type, in the list that comes next.
fn extension(mut fields: Fields<'_>, wanted: u16) -> Option<&[u8]> {
    let mut list = Fields(fields.vector16()?);
    loop {
        let kind = list.u16()?;
        let data = list.vector16()?;
        if kind == wanted {
            return Some(data);
        }
    }
}

/// Takes one field after another.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = self.take(1)?[0];
        self.take(len.into())
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len.into())
    }
}
