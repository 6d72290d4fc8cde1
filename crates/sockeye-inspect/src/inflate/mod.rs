//! Inflates messages, and says what it saw on the way: distances, blocks, where it failed (RFC 1951, RFC 7692).
