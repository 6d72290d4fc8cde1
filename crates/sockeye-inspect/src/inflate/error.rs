//! Why a message does not inflate, and where.

use core::fmt;

/// A place in the compressed bytes of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a place has no third coordinate")]
pub struct BitOffset {
    /// The byte, counted from 0 over all frames of the message.
    pub byte: u64,
    /// The bit in it, 0 being the lowest, which DEFLATE reads first.
    pub bit: u8,
}

impl BitOffset {
    pub(super) const fn new(bits: u64) -> Self {
        Self {
            byte: bits / 8,
            bit: (bits % 8) as u8,
        }
    }
}

impl fmt::Display for BitOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}, bit {}", self.byte, self.bit)
    }
}

/// Why a message does not inflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InflateError {
    /// Where: the first bit of what is wrong.
    pub at: BitOffset,
    /// What is wrong there.
    pub cause: InflateCause,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at {})", self.cause, self.at)
    }
}

impl core::error::Error for InflateError {}

/// What is wrong with a message that does not inflate, in the order of
/// [RFC 1951 §3.2](https://www.rfc-editor.org/rfc/rfc1951#section-3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InflateCause {
    /// BTYPE is 3 (§3.2.3).
    BlockType,
    /// NLEN is not the complement of LEN (§3.2.4).
    StoredLength {
        /// LEN.
        len: u16,
        /// NLEN.
        complement: u16,
    },
    /// A literal/length code of 286 or 287 in a fixed block, or of a dynamic block that defines it (§3.2.5, §3.2.6).
    LengthReserved {
        /// The symbol.
        symbol: u16,
    },
    /// A distance code of 30 or 31 (§3.2.5, §3.2.6).
    DistanceReserved {
        /// The symbol.
        symbol: u16,
    },
    /// A dynamic block says that it has 287 or 288 codes for literals and lengths (§3.2.7).
    TooManyLengths {
        /// How many.
        count: u16,
    },
    /// A dynamic block says that it has 31 or 32 codes for distances (§3.2.7). The RFC leaves room for them; no inflater does.
    TooManyDistances {
        /// How many.
        count: u16,
    },
    /// More codes for code lengths than there are bit patterns of these lengths.
    CodeLengthsOverSubscribed,
    /// Fewer codes for code lengths than there are bit patterns of these lengths.
    CodeLengthsIncomplete,
    /// "Repeat the previous length" as the first (§3.2.7, code 16).
    RepeatWithoutLength,
    /// A repetition runs beyond the last code length.
    RepeatTooLong,
    /// A dynamic block has no code for its end (symbol 256).
    EndOfBlockMissing,
    /// More codes for literals and lengths than there are bit patterns of these lengths.
    LengthsOverSubscribed,
    /// Fewer codes for literals and lengths than there are bit patterns of these lengths.
    LengthsIncomplete,
    /// More codes for distances than there are bit patterns of these lengths.
    DistancesOverSubscribed,
    /// Fewer codes for distances than there are bit patterns of these lengths.
    DistancesIncomplete,
    /// A bit pattern that stands for no literal or length.
    LengthUnused,
    /// A bit pattern that stands for no distance.
    DistanceUnused,
    /// The message ends, and a block has not.
    EndsInBlock,
}

impl fmt::Display for InflateCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::BlockType => "a block of type 3, which does not exist",
            Self::StoredLength { len, complement } => {
                return write!(
                    f,
                    "the length of a stored block, {len:#06x}, and its complement, {complement:#06x}, do not match"
                );
            }
            Self::LengthReserved { symbol } => {
                return write!(f, "the length code {symbol}, which is reserved");
            }
            Self::DistanceReserved { symbol } => {
                return write!(f, "the distance code {symbol}, which is reserved");
            }
            Self::TooManyLengths { count } => {
                return write!(
                    f,
                    "{count} codes for literals and lengths; 286 are the most"
                );
            }
            Self::TooManyDistances { count } => {
                return write!(f, "{count} codes for distances; 30 are the most");
            }
            Self::CodeLengthsOverSubscribed => "the code for code lengths is over-subscribed",
            Self::CodeLengthsIncomplete => "the code for code lengths is incomplete",
            Self::RepeatWithoutLength => "a code length is to be repeated before there is one",
            Self::RepeatTooLong => "code lengths are repeated beyond the last one",
            Self::EndOfBlockMissing => "a dynamic block without a code for its end",
            Self::LengthsOverSubscribed => "the code for literals and lengths is over-subscribed",
            Self::LengthsIncomplete => "the code for literals and lengths is incomplete",
            Self::DistancesOverSubscribed => "the code for distances is over-subscribed",
            Self::DistancesIncomplete => "the code for distances is incomplete",
            Self::LengthUnused => "bits that stand for no literal or length",
            Self::DistanceUnused => "bits that stand for no distance",
            Self::EndsInBlock => "the message ends within a block",
        };
        f.write_str(text)
    }
}
