//! What a process knows of its connection: the variables of CGI (RFC 3875).

use std::{collections::BTreeMap, net::SocketAddr};

use sockeye_host::Request;

/// Environment variables, to be added to those of this program.
#[derive(Debug)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Describes the request.
    pub(super) fn new(request: &Request, address: Option<SocketAddr>) -> Self {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let mut variables: BTreeMap<String, String> = [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("PATH_INFO", path),
            ("QUERY_STRING", query),
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", &request.target),
            ("SCRIPT_NAME", ""),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            (
                "SERVER_SOFTWARE",
                concat!("sockeye/", env!("CARGO_PKG_VERSION")),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        // Empty rather than those that this program may have inherited.
        let text = |text: Option<String>| text.unwrap_or_default();
        variables.insert(
            "REMOTE_ADDR".into(),
            text(address.map(|address| address.ip().to_string())),
        );
        variables.insert(
            "REMOTE_PORT".into(),
            text(address.map(|address| address.port().to_string())),
        );
        for (name, value) in &request.headers {
            let Some(variable) = variable(name) else {
                continue;
            };
            variables
                .entry(variable)
                .and_modify(|present| {
                    // RFC 9110 §5.3, and RFC 6265 §5.4 for cookies.
                    present.push_str(if name == "cookie" { "; " } else { ", " });
                    present.push_str(value);
                })
                .or_insert_with(|| value.clone());
        }
        Self(variables)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The variable for a header field with this name in lower case.
fn variable(name: &str) -> Option<String> {
    // Many programs take `HTTP_PROXY` for their own setting.
    if name == "proxy" {
        return None;
    }
    // `a_b` would be told from `a-b` by nobody.
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        .then(|| format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_becomes_variables() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            target: "/a/b?c=d&e".into(),
            headers: vec![
                field("host", "localhost"),
                field("cookie", "a=1"),
                field("x-list", "1"),
                field("proxy", "http://evil.test"),
                field("x_list", "3"),
                field("x-list", "2"),
                field("cookie", "b=2"),
            ],
            subprotocols: Vec::new(),
            origin: None,
        };
        let address = Some("[::1]:4000".parse().expect("an address"));
        let environment = Environment::new(&request, address);
        let found: Vec<_> = environment.iter().collect();
        let software = concat!("sockeye/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            found,
            [
                ("GATEWAY_INTERFACE", "CGI/1.1"),
                ("HTTP_COOKIE", "a=1; b=2"),
                ("HTTP_HOST", "localhost"),
                ("HTTP_X_LIST", "1, 2"),
                ("PATH_INFO", "/a/b"),
                ("QUERY_STRING", "c=d&e"),
                ("REMOTE_ADDR", "::1"),
                ("REMOTE_PORT", "4000"),
                ("REQUEST_METHOD", "GET"),
                ("REQUEST_URI", "/a/b?c=d&e"),
                ("SCRIPT_NAME", ""),
                ("SERVER_PROTOCOL", "HTTP/1.1"),
                ("SERVER_SOFTWARE", software),
            ]
        );
    }
}
