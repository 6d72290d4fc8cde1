//! A small language that selects frames.
