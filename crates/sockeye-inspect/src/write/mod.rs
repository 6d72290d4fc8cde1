//! Writes captures.
