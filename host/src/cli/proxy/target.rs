//! Where connections are relayed to.

use url::{Position, Url};

use super::heads::Rewrite;

/// A server, by its URL.
#[derive(Clone, Debug)]
pub(super) struct Target {
    url: Url,
}

impl Target {
    /// Reads a URL of the command line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{error}: {EXAMPLE}"))?;
        if !matches!(url.scheme(), "ws" | "wss" | "http" | "https") || !url.has_host() {
            return Err(format!(
                "it begins with neither ws:// nor wss://: {EXAMPLE}"
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("user and password are for the clients to send: leave them out".into());
        }
        if url.fragment().is_some() {
            return Err("it has a fragment, which no server is ever told".into());
        }
        if url.port() == Some(0) {
            return Err("nothing listens on port 0".into());
        }
        Ok(Self { url })
    }

    pub(super) fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// What changes in requests to it.
    pub(super) fn rewrite(&self, keeps_host: bool) -> Rewrite {
        let host = self.url.host_str().unwrap_or_default();
        let host = match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Rewrite {
            host: (!keeps_host).then_some(host),
            target: self.url[Position::BeforePath..Position::AfterQuery].to_owned(),
        }
    }
}

const EXAMPLE: &str = "write ws://localhost:8080, or wss://example.com/chat";

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(url: &str) -> (Option<String>, String) {
        let rewrite = Target::parse(url).expect("it is a target").rewrite(false);
        (rewrite.host, rewrite.target)
    }

    #[test]
    fn requests_name_the_host_as_browsers_would() {
        for (url, host, target) in [
            ("ws://example.com", "example.com", "/"),
            ("wss://example.com:443/chat?a=b", "example.com", "/chat?a=b"),
            ("wss://example.com:80", "example.com:80", "/"),
            ("http://[::1]:8080/", "[::1]:8080", "/"),
        ] {
            assert_eq!(rewrite(url), (Some(host.into()), target.into()), "{url}");
        }
        let kept = Target::parse("ws://a")
            .expect("it is a target")
            .rewrite(true);
        assert_eq!(kept.host, None);
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for url in [
            "",
            "localhost",
            "localhost:8080",
            "ftp://a",
            "ws://",
            "ws://user@a",
            "ws://:pass@a",
            "ws://a/#b",
            "ws://a:0",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
