//! Writes what was found in other formats.
