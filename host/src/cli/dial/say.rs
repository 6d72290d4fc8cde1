//! What is said about connections.

use sockeye_host::Agreement;

/// What was agreed on, for people.
pub(super) fn agreement(url: &str, agreement: &Agreement) -> String {
    let mut text = format!("connected to {url}");
    if let Some(subprotocol) = &agreement.subprotocol {
        text.push_str(&format!(", subprotocol {subprotocol}"));
    }
    if let Some(extensions) = &agreement.extensions {
        text.push_str(&format!(", {extensions}"));
    }
    text
}

/// The URL without user and password.
pub(super) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.into();
    };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let start = rest
        .get(..authority)
        .and_then(|authority| authority.rfind('@'))
        .map_or(0, |at| at + 1);
    format!("{scheme}://{}", rest.get(start..).unwrap_or_default())
}

/// The payload of a Ping or Pong behind a sentence, if there is one.
pub(super) fn quoted(payload: &[u8]) -> String {
    if payload.is_empty() {
        String::new()
    } else {
        format!(": {:?}", String::from_utf8_lossy(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, expected) in [
            ("ws://a:b@c/d@e", "ws://c/d@e"),
            ("ws://a:b@c@d", "ws://d"),
            ("ws://c?x@y", "ws://c?x@y"),
            ("ws+unix:/a@b", "ws+unix:/a@b"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
