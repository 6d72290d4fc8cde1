//! The settings of both roles.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use crate::{
    PerMessageDeflate,
    handshake::{ExtraHeaders, InvalidOption, OriginPolicy, list, origin},
};

/// How a server answers opening handshakes. Made once, it serves any number of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpgradeOptions {
    /// Subprotocols in order of preference: the first that the client offers is chosen. Default none. One that is not a token is never
    /// offered; [`set_subprotocols`](Self::set_subprotocols) finds such mistakes.
    pub subprotocols: Vec<String>,
    /// Which web pages may connect. Default [`OriginPolicy::SameHost`].
    pub origins: OriginPolicy,
    /// Whether to compress, and how. Default `None`: no compression.
    pub deflate: Option<PerMessageDeflate>,
    /// Header fields to add to the response that lets a client in. Default none.
    pub headers: ExtraHeaders,
    /// Longest head of a request in bytes. Default 16 KiB. Above it, the answer is 431, or 414 within the first line.
    pub head_size: usize,
    /// Most header fields of a request. Default 100. Above it, the answer is 431.
    pub max_headers: usize,
    /// How long the whole handshake may take, reading included. Default 10 s. The core has no clock: whoever drives it keeps this time, and
    /// answers with [`HandshakeError::Timeout`](crate::HandshakeError::Timeout).
    pub timeout: Option<Duration>,
}

impl UpgradeOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            subprotocols: Vec::new(),
            origins: OriginPolicy::SameHost,
            deflate: None,
            headers: ExtraHeaders::new(),
            head_size: 16_384,
            max_headers: 100,
            timeout: Some(Duration::from_secs(10)),
        }
    }

    /// Sets the subprotocols, in order of preference.
    ///
    /// # Errors
    ///
    /// [`InvalidOption::Subprotocol`] or [`InvalidOption::SubprotocolRepeated`], with nothing changed.
    pub fn set_subprotocols<S: Into<String>>(
        &mut self,
        subprotocols: impl IntoIterator<Item = S>,
    ) -> Result<(), InvalidOption> {
        self.subprotocols = check_subprotocols(subprotocols)?;
        Ok(())
    }
}

impl Default for UpgradeOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// How a client opens connections: what to ask which server for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialOptions {
    host: String,
    target: String,
    subprotocols: Vec<String>,
    origin: Option<String>,
    /// Whether to offer compression, and how. Default `None`: no compression.
    pub deflate: Option<PerMessageDeflate>,
    /// Header fields to add to the request, such as `Authorization` or `Cookie`. Default none.
    pub headers: ExtraHeaders,
    /// Longest head of a response in bytes. Default 16 KiB.
    pub head_size: usize,
    /// Most header fields of a response. Default 100.
    pub max_headers: usize,
    /// How long the whole handshake may take. Default 45 s. The core has no clock: whoever drives it keeps this time.
    pub timeout: Option<Duration>,
}

impl DialOptions {
    /// For the server with this value of `Host`, as `example.com` or `example.com:8080`, and this request target, as `/chat?room=1`; every
    /// other setting at its default.
    ///
    /// # Errors
    ///
    /// [`InvalidOption::Host`] or [`InvalidOption::Target`].
    pub fn new(host: impl Into<String>, target: impl Into<String>) -> Result<Self, InvalidOption> {
        let (host, target) = (host.into(), target.into());
        if !origin::is_host_and_port(&host) {
            return Err(InvalidOption::Host);
        }
        // RFC 6455 §3: a fragment has no meaning here.
        if !target.starts_with("/")
            || !list::is_visible(target.as_bytes())
            || target.bytes().any(|byte| byte == b'#')
        {
            return Err(InvalidOption::Target);
        }
        Ok(Self {
            host,
            target,
            subprotocols: Vec::new(),
            origin: None,
            deflate: None,
            headers: ExtraHeaders::new(),
            head_size: 16_384,
            max_headers: 100,
            timeout: Some(Duration::from_secs(45)),
        })
    }

    /// Sets the subprotocols to offer, in order of preference. Default none.
    ///
    /// # Errors
    ///
    /// [`InvalidOption::Subprotocol`] or [`InvalidOption::SubprotocolRepeated`], with nothing changed.
    pub fn set_subprotocols<S: Into<String>>(
        &mut self,
        subprotocols: impl IntoIterator<Item = S>,
    ) -> Result<(), InvalidOption> {
        self.subprotocols = check_subprotocols(subprotocols)?;
        Ok(())
    }

    /// Sets the value of `Origin`. Default `None`: only browsers need to send one.
    ///
    /// # Errors
    ///
    /// [`InvalidOption::Origin`], with nothing changed.
    pub fn set_origin(&mut self, origin: Option<String>) -> Result<(), InvalidOption> {
        if origin
            .as_deref()
            .is_some_and(|origin| !origin::is_origin(origin))
        {
            return Err(InvalidOption::Origin);
        }
        self.origin = origin;
        Ok(())
    }

    /// The value of `Host`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The request target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The subprotocols to offer.
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        &self.subprotocols
    }

    /// The value of `Origin`.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    pub(super) fn offered_deflate(&self) -> Option<PerMessageDeflate> {
        self.deflate.filter(|_| cfg!(feature = "deflate"))
    }
}

/// Checks that these are tokens, each there once.
fn check_subprotocols<S: Into<String>>(
    subprotocols: impl IntoIterator<Item = S>,
) -> Result<Vec<String>, InvalidOption> {
    let mut checked = Vec::new();
    for subprotocol in subprotocols {
        let subprotocol = subprotocol.into();
        if !list::is_token(subprotocol.as_bytes()) {
            return Err(InvalidOption::Subprotocol);
        }
        if checked.contains(&subprotocol) {
            return Err(InvalidOption::SubprotocolRepeated);
        }
        checked.push(subprotocol);
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subprotocols_of_a_server_are_checked_when_set() {
        let mut options = UpgradeOptions::default();
        assert_eq!(options.set_subprotocols(["a", "b"]), Ok(()));
        assert_eq!(
            options.set_subprotocols(["c", "a b"]),
            Err(InvalidOption::Subprotocol)
        );
        assert_eq!(
            options.set_subprotocols(["c", ""]),
            Err(InvalidOption::Subprotocol)
        );
        assert_eq!(
            options.set_subprotocols(["c", "c"]),
            Err(InvalidOption::SubprotocolRepeated)
        );
        assert_eq!(options.subprotocols, ["a", "b"]);
    }

    #[test]
    fn options_of_a_client_are_checked_when_set() {
        for (host, target, error) in [
            ("", "/", InvalidOption::Host),
            ("a b", "/", InvalidOption::Host),
            ("a\r\nb: c", "/", InvalidOption::Host),
            ("http://a", "/", InvalidOption::Host),
            ("u@a", "/", InvalidOption::Host),
            ("b\u{fc}cher.example", "/", InvalidOption::Host),
            ("a", "", InvalidOption::Target),
            ("a", "b", InvalidOption::Target),
            ("a", "/ HTTP/1.1\r\nb: c", InvalidOption::Target),
            ("a", "/b c", InvalidOption::Target),
            ("a", "/b#c", InvalidOption::Target),
            ("a", "/\u{e9}", InvalidOption::Target),
        ] {
            assert_eq!(
                DialOptions::new(host, target),
                Err(error),
                "{host} {target}"
            );
        }
        let mut options = DialOptions::new("[::1]:8080", "/?a=%20").unwrap();
        assert_eq!(
            (options.host(), options.target()),
            ("[::1]:8080", "/?a=%20")
        );
        assert_eq!(
            options.set_subprotocols(["a,b"]),
            Err(InvalidOption::Subprotocol)
        );
        assert_eq!(
            options.set_subprotocols(["a", "a"]),
            Err(InvalidOption::SubprotocolRepeated)
        );
        assert!(options.subprotocols().is_empty());
        for origin in ["http://a/", "a", "http://a\r\nb: c", ""] {
            assert_eq!(
                options.set_origin(Some(origin.into())),
                Err(InvalidOption::Origin)
            );
        }
        for origin in ["null", "https://a:8443"] {
            assert_eq!(options.set_origin(Some(origin.into())), Ok(()));
            assert_eq!(options.origin(), Some(origin));
        }
    }
}
