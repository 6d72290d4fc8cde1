//! The keys of one direction, and what is encrypted with them.

use aes_gcm::{
    AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit,
    aead::{Nonce, Tag},
};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384};

use super::{
    keylog::Secret,
    suite::{Aead, Suite},
};

/// Decrypts the records of one direction.
pub(super) struct Keys {
    cipher: Box<Cipher>,
    iv: [u8; 12],
    /// The number of the next record.
    pub(super) next: u64,
    suite: Suite,
    /// TLS 1.3: what the keys come from, and the next ones.
    secret: Option<Secret>,
}

enum Cipher {
    Aes128Gcm(Aes128Gcm),
    Aes256Gcm(Aes256Gcm),
    ChaCha20Poly1305(ChaCha20Poly1305),
}

/// The length of an authentication tag.
const TAG: usize = 16;

impl Keys {
    /// The keys of TLS 1.3 (RFC 8446 §7.3). `None` when the secret is not as long as the suite's hash.
    pub(super) fn tls13(suite: Suite, secret: Secret) -> Option<Self> {
        if secret.as_bytes().len() != if suite.sha384 { 48 } else { 32 } {
            return None;
        }
        let mut key = [0; 32];
        let key = &mut key[..suite.aead.key_len()];
        let mut iv = [0; 12];
        expand_label(suite, secret, b"key", key)?;
        expand_label(suite, secret, b"iv", &mut iv)?;
        Some(Self {
            cipher: Cipher::new(suite.aead, key)?,
            iv,
            next: 0,
            suite,
            secret: Some(secret),
        })
    }

    /// The keys after a KeyUpdate (RFC 8446 §7.2).
    pub(super) fn updated(&self) -> Option<Self> {
        let secret = self.secret?;
        let mut next = [0; 48];
        let next = &mut next[..secret.as_bytes().len()];
        expand_label(self.suite, secret, b"traffic upd", next)?;
        Self::tls13(self.suite, Secret::new(next)?)
    }

    /// The keys of the client and the server in TLS 1.2 (RFC 5246 §6.3, RFC 5288 §3, RFC 7905 §2).
    pub(super) fn tls12(
        suite: Suite,
        master: Secret,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Option<[Self; 2]> {
        let key_len = suite.aead.key_len();
        let iv_len = match suite.aead {
            Aead::ChaCha20Poly1305 => 12,
            Aead::Aes128Gcm | Aead::Aes256Gcm => 4,
        };
        let seed = [&b"key expansion"[..], server_random, client_random].concat();
        let mut block = [0; 88];
        let block = &mut block[..2 * (key_len + iv_len)];
        if suite.sha384 {
            prf(
                Hmac::<Sha384>::new_from_slice(master.as_bytes()).ok()?,
                &seed,
                block,
            );
        } else {
            prf(
                Hmac::<Sha256>::new_from_slice(master.as_bytes()).ok()?,
                &seed,
                block,
            );
        }
        let (keys, ivs) = block.split_at(2 * key_len);
        let side = |key: &[u8], bytes: &[u8]| {
            let mut iv = [0; 12];
            iv[..iv_len].copy_from_slice(bytes);
            Some(Self {
                cipher: Cipher::new(suite.aead, key)?,
                iv,
                next: 0,
                suite,
                secret: None,
            })
        };
        Some([
            side(&keys[..key_len], &ivs[..iv_len])?,
            side(&keys[key_len..], &ivs[iv_len..])?,
        ])
    }

    /// How many bytes a record has beside its data.
    pub(super) fn overhead(&self) -> u64 {
        let inner = match self.secret {
            Some(_) => 1,
            None if self.suite.aead == Aead::ChaCha20Poly1305 => 0,
            None => 8,
        };
        5 + inner + TAG as u64
    }

    /// Decrypts a record, as if it was number `number`, to `out`, which is overwritten. Says whether it was.
    pub(super) fn decrypt(
        &self,
        number: u64,
        header: [u8; 5],
        fragment: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        let mut nonce = self.iv;
        let explicit = self.secret.is_none() && self.suite.aead != Aead::ChaCha20Poly1305;
        let fragment = if explicit {
            let Some((explicit, fragment)) = fragment.split_first_chunk::<8>() else {
                return false;
            };
            nonce[4..].copy_from_slice(explicit);
            fragment
        } else {
            for (nonce, byte) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
                *nonce ^= byte;
            }
            fragment
        };
        let Some((text, tag)) = fragment.split_last_chunk::<TAG>() else {
            return false;
        };
        out.clear();
        out.extend_from_slice(text);
        if self.secret.is_some() {
            return self.cipher.decrypt(&nonce, &header, out, tag);
        }
        // RFC 5246 §6.2.3.3: the number, and the header with the length of the plaintext.
        let mut associated = [0; 13];
        associated[..8].copy_from_slice(&number.to_be_bytes());
        associated[8..11].copy_from_slice(&header[..3]);
        associated[11..].copy_from_slice(&(text.len() as u16).to_be_bytes());
        self.cipher.decrypt(&nonce, &associated, out, tag)
    }
}

impl Cipher {
    fn new(aead: Aead, key: &[u8]) -> Option<Box<Self>> {
        Some(Box::new(match aead {
            Aead::Aes128Gcm => Self::Aes128Gcm(Aes128Gcm::new_from_slice(key).ok()?),
            Aead::Aes256Gcm => Self::Aes256Gcm(Aes256Gcm::new_from_slice(key).ok()?),
            Aead::ChaCha20Poly1305 => {
                Self::ChaCha20Poly1305(ChaCha20Poly1305::new_from_slice(key).ok()?)
            }
        }))
    }

    fn decrypt(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> bool {
        fn with<A: AeadInOut>(
            aead: &A,
            nonce: &[u8; 12],
            associated: &[u8],
            text: &mut [u8],
            tag: &[u8; TAG],
        ) -> bool {
            let (Ok(nonce), Ok(tag)) = (
                Nonce::<A>::try_from(&nonce[..]),
                Tag::<A>::try_from(&tag[..]),
            ) else {
                return false;
            };
            aead.decrypt_inout_detached(&nonce, associated, text.into(), &tag)
                .is_ok()
        }
        match self {
            Self::Aes128Gcm(aead) => with(aead, nonce, associated, text, tag),
            Self::Aes256Gcm(aead) => with(aead, nonce, associated, text, tag),
            Self::ChaCha20Poly1305(aead) => with(aead, nonce, associated, text, tag),
        }
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
fn expand_label(suite: Suite, secret: Secret, label: &[u8], out: &mut [u8]) -> Option<()> {
    let len = (out.len() as u16).to_be_bytes();
    let label_len = [6 + label.len() as u8];
    let info = [&len[..], &label_len, b"tls13 ", label, &[0]].concat();
    if suite.sha384 {
        Hkdf::<Sha384>::from_prk(secret.as_bytes())
            .ok()?
            .expand(&info, out)
            .ok()
    } else {
        Hkdf::<Sha256>::from_prk(secret.as_bytes())
            .ok()?
            .expand(&info, out)
            .ok()
    }
}

/// P_hash (RFC 5246 §5).
fn prf<M: Mac + Clone>(mac: M, seed: &[u8], out: &mut [u8]) {
    let step = |parts: &[&[u8]]| {
        let mut mac = mac.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes()
    };
    let mut a = step(&[seed]);
    let len = a.len();
    for out in out.chunks_mut(len) {
        out.copy_from_slice(&step(&[&a, seed])[..out.len()]);
        a = step(&[&a]);
    }
}
