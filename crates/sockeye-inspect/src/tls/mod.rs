//! Decrypts TLS with a key log.
