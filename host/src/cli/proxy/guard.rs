//! Who may have what the page has: whoever knows the token, from the page itself.

use http::{HeaderMap, HeaderName, StatusCode, header};

/// The secret in the fragment of the page's address, which browsers tell nobody.
pub(super) struct Token(String);

impl Token {
    /// 128 random bits.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is it, in a time that does not tell how much of it is right.
    pub(super) fn is(&self, other: &str) -> bool {
        let (one, other) = (self.0.as_bytes(), other.as_bytes());
        let pairs = one.iter().zip(other);
        let difference = pairs.fold(0, |difference, (one, other)| {
            core::hint::black_box(difference | (one ^ other))
        });
        one.len() == other.len() && difference == 0
    }

    /// Whether a request shows it as RFC 6750 §2.1 has it.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let value = only(headers, &header::AUTHORIZATION);
        let scheme = value.and_then(|value| value.split_at_checked("Bearer ".len()));
        scheme
            .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("Bearer ") && self.is(token))
    }
}

/// Refuses requests that another site made a browser send: by a name of its own for this machine (DNS rebinding), or across sites.
pub(super) fn check(headers: &HeaderMap, port: u16) -> Result<(), (StatusCode, &'static str)> {
    let host = only(headers, &header::HOST).map(str::to_ascii_lowercase);
    let Some(host) = host.filter(|host| is_ours(host, port)) else {
        return Err((
            StatusCode::MISDIRECTED_REQUEST,
            "This server has another name: use the address that sockeye proxy printed.",
        ));
    };
    if headers.contains_key(header::ORIGIN) {
        // Programs that are not browsers send none.
        let origin =
            only(headers, &header::ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
        if origin.is_none_or(|origin| !origin.eq_ignore_ascii_case(&host)) {
            return Err((
                StatusCode::FORBIDDEN,
                "This is for the page of this server only.",
            ));
        }
    }
    Ok(())
}

fn is_ours(host: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| match host.strip_prefix(name) {
            Some("") => port == 80,
            Some(rest) => rest.strip_prefix(':') == Some(port.to_string().as_str()),
            None => false,
        })
}

/// The value of a field that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(fields: &[(&str, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        check(&headers, 4000).map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (host, status) in [
            ("127.0.0.1:4000", 200),
            ("LOCALHOST:4000", 200),
            ("[::1]:4000", 200),
            ("127.0.0.1", 421),
            ("127.0.0.1:4001", 421),
            ("127.0.0.1:04000", 421),
            ("example.com:4000", 421),
            ("localhost.example.com:4000", 421),
            ("", 421),
        ] {
            assert_eq!(checked(&[("host", host)]), status, "{host}");
        }
        assert_eq!(checked(&[]), 421);
        assert_eq!(
            checked(&[("host", "localhost:4000"), ("host", "localhost:4000")]),
            421
        );
        assert!(is_ours("localhost", 80));
    }

    #[test]
    fn only_the_page_itself_is_answered() {
        for (origin, status) in [
            ("http://localhost:4000", 200),
            ("http://127.0.0.1:4000", 403),
            ("https://localhost:4000", 403),
            ("http://localhost:4000.example.com", 403),
            ("http://localhost", 403),
            ("null", 403),
            ("", 403),
        ] {
            assert_eq!(
                checked(&[("host", "localhost:4000"), ("origin", origin)]),
                status,
                "{origin}"
            );
        }
        assert_eq!(
            checked(&[
                ("host", "localhost:4000"),
                ("origin", "http://localhost:4000"),
                ("origin", "null")
            ]),
            403
        );
    }

    #[test]
    fn token_is_compared_whole() {
        let token = Token::random().expect("there is randomness");
        let text = token.expose().to_owned();
        assert_eq!(text.len(), 32);
        assert!(token.is(&text));
        for other in ["", &text[1..], &format!("{text}0"), &"g".repeat(32)] {
            assert!(!token.is(other), "{other}");
        }
    }

    #[test]
    fn token_is_shown_as_a_bearer_token() {
        let token = Token("abc".into());
        for (value, is_shown) in [
            ("Bearer abc", true),
            ("bearer abc", true),
            ("Bearer abcd", false),
            ("Basic abc", false),
            ("abc", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("a value"))]);
            assert_eq!(token.is_shown(&headers), is_shown, "{value}");
        }
        assert!(!token.is_shown(&HeaderMap::new()));
    }
}
