//! Checks the opening handshake ([RFC 6455 §4](https://www.rfc-editor.org/rfc/rfc6455#section-4),
//! [RFC 7692 §5, §7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1)).

use core::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sockeye::DeflateParameters;

use super::{
    extension::{self, Extension, Parameters},
    head::Head,
};
use crate::{Check, Place, Rule};

/// What the handshake amounts to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Every check, passed or not.
    pub(super) checks: Vec<Check>,
    /// Those that did not pass, with their places.
    pub(super) broken: Vec<(Rule, Place, Box<str>)>,
    /// The subprotocol that the server chose.
    pub(super) subprotocol: Option<Box<str>>,
    /// permessage-deflate as agreed.
    pub(super) deflate: Option<DeflateParameters>,
}

/// Which head a check is about.
#[derive(Clone, Copy)]
enum Of {
    Request,
    Response,
}

impl Of {
    fn place(self, bytes: Range<u32>) -> Place {
        match self {
            Self::Request => Place::Request(bytes),
            Self::Response => Place::Response(bytes),
        }
    }
}

/// Checks what there is of a handshake.
pub(super) fn check(request: Option<&[u8]>, response: Option<&[u8]>) -> Outcome {
    let mut outcome = Outcome::default();
    let request = request.map(Head::new);
    let response = response.map(Head::new);
    if let Some(request) = &request {
        outcome.request(request);
    }
    if let Some(response) = &response {
        outcome.response(request.as_ref(), response);
    }
    outcome
}

impl Outcome {
    fn request(&mut self, head: &Head<'_>) {
        let of = Of::Request;
        let [method, _, version] = head.start_line();
        let line = head.start_line_range();
        self.judge(
            Rule::RequestMethod,
            method == "GET",
            of,
            line.clone(),
            method,
        );
        self.judge(
            Rule::RequestVersion,
            version != "HTTP/1.0" && version != "HTTP/0.9",
            of,
            line.clone(),
            version,
        );
        let hosts: Vec<_> = head.all("host").collect();
        let host = hosts
            .first()
            .map_or_else(|| line.clone(), |host| host.line.clone());
        let words = match &hosts[..] {
            [] => "no Host".to_owned(),
            [host] => format!("Host: {}", host.value),
            more => format!("{} Host fields", more.len()),
        };
        self.judge(Rule::HostMissing, hosts.len() == 1, of, host, &words);
        self.upgrade(head, of);
        self.key(head);
        let version = head.get("sec-websocket-version");
        let (words, bytes) = version.map_or_else(
            || ("no Sec-WebSocket-Version".to_owned(), line.clone()),
            |field| {
                (
                    format!("Sec-WebSocket-Version: {}", field.value),
                    field.line,
                )
            },
        );
        let is_13 = words.ends_with(": 13");
        self.judge(Rule::VersionInvalid, is_13, of, bytes, &words);
        for (extension, line) in self.extensions(head, of) {
            if extension.is_deflate() {
                let parameters = extension.parameters(true);
                self.parameters(&parameters, of, line);
            }
        }
    }

    /// `Upgrade` and `Connection` of either head.
    fn upgrade(&mut self, head: &Head<'_>, of: Of) {
        for (rule, name, token) in [
            (Rule::UpgradeMissing, "Upgrade", "websocket"),
            (Rule::ConnectionMissing, "Connection", "upgrade"),
        ] {
            let field = head.get(name);
            let words = field.as_ref().map_or_else(
                || format!("no {name}"),
                |field| format!("{name}: {}", field.value),
            );
            let line = field.map_or_else(|| head.start_line_range(), |field| field.line);
            self.judge(rule, head.has_token(name, token), of, line, &words);
        }
    }

    fn key(&mut self, head: &Head<'_>) {
        let of = Of::Request;
        let keys: Vec<_> = head.all("sec-websocket-key").collect();
        let [key] = &keys[..] else {
            let words = match keys.len() {
                0 => "no Sec-WebSocket-Key".to_owned(),
                count => format!("{count} Sec-WebSocket-Key fields"),
            };
            return self.judge(Rule::KeyInvalid, false, of, head.start_line_range(), &words);
        };
        let nonce = STANDARD.decode(key.value).ok();
        let nonce = nonce.filter(|nonce| nonce.len() == 16);
        let words = format!("Sec-WebSocket-Key: {}", key.value);
        self.judge(
            Rule::KeyInvalid,
            nonce.is_some(),
            of,
            key.line.clone(),
            &words,
        );
        if let Some(nonce) = nonce {
            // By chance, once in ten million keys.
            let is_text = nonce.iter().all(|byte| matches!(byte, b' '..=b'~'));
            let distinct = nonce
                .iter()
                .enumerate()
                .filter(|&(at, byte)| !nonce[..at].contains(byte))
                .count();
            let is_random = !is_text && distinct > 4;
            self.judge(Rule::KeyWeak, is_random, of, key.line.clone(), &words);
        }
    }

    fn response(&mut self, request: Option<&Head<'_>>, head: &Head<'_>) {
        let of = Of::Response;
        let line = head.start_line_range();
        let [_, status, _] = head.start_line();
        let is_101 = head.status() == Some(101);
        self.judge(
            Rule::StatusInvalid,
            is_101,
            of,
            line.clone(),
            &format!("status {status}"),
        );
        if !is_101 {
            if head.status() == Some(426) {
                let versions = head.get("sec-websocket-version");
                let words = versions.as_ref().map_or_else(
                    || "426 without Sec-WebSocket-Version".to_owned(),
                    |field| format!("Sec-WebSocket-Version: {}", field.value),
                );
                self.judge(
                    Rule::VersionRefusal,
                    versions.is_some(),
                    of,
                    versions.map_or(line, |field| field.line),
                    &words,
                );
            }
            return;
        }
        self.upgrade(head, of);
        self.accept(request, head);
        self.subprotocol(request, head);
        self.agreement(request, head);
    }

    fn accept(&mut self, request: Option<&Head<'_>>, head: &Head<'_>) {
        let of = Of::Response;
        let Some(accept) = head.get("sec-websocket-accept") else {
            return self.judge(
                Rule::AcceptMissing,
                false,
                of,
                head.start_line_range(),
                "no Sec-WebSocket-Accept",
            );
        };
        let words = format!("Sec-WebSocket-Accept: {}", accept.value);
        self.judge(Rule::AcceptMissing, true, of, accept.line.clone(), &words);
        let key = request.and_then(|request| request.get("sec-websocket-key"));
        if let Some(key) = key {
            let expected = accept_for(key.value);
            let is_right = expected == accept.value;
            let words = if is_right {
                words
            } else {
                format!("{words}, where the key asks for {expected}")
            };
            self.judge(Rule::AcceptInvalid, is_right, of, accept.line, &words);
        }
    }

    fn subprotocol(&mut self, request: Option<&Head<'_>>, head: &Head<'_>) {
        let of = Of::Response;
        let chosen: Vec<_> = head.list("sec-websocket-protocol").collect();
        let [(name, line), ..] = &chosen[..] else {
            return;
        };
        self.subprotocol = Some((*name).into());
        let words = format!("Sec-WebSocket-Protocol: {name}");
        self.judge(
            Rule::SubprotocolDuplicate,
            chosen.len() == 1,
            of,
            line.clone(),
            &words,
        );
        if let Some(request) = request {
            let is_offered = request
                .list("sec-websocket-protocol")
                .any(|(offer, _)| offer == *name);
            self.judge(
                Rule::SubprotocolNotOffered,
                is_offered,
                of,
                line.clone(),
                &words,
            );
        }
    }

    /// The extensions in the response.
    fn agreement(&mut self, request: Option<&Head<'_>>, head: &Head<'_>) {
        let of = Of::Response;
        let offers: Option<Vec<_>> = request.map(|request| {
            request
                .list("sec-websocket-extensions")
                .filter_map(|(element, _)| Extension::parse(element))
                .collect()
        });
        for (extension, line) in self.extensions(head, of) {
            if let Some(offers) = &offers {
                let is_offered = offers.iter().any(|offer| offer.name == extension.name);
                self.judge(
                    Rule::ExtensionNotOffered,
                    is_offered,
                    of,
                    line.clone(),
                    extension.name,
                );
            }
            if !extension.is_deflate() {
                continue;
            }
            let agreed = extension.parameters(false);
            self.parameters(&agreed, of, line.clone());
            if let Some(offers) = &offers {
                let offers: Vec<_> = offers
                    .iter()
                    .filter(|offer| offer.is_deflate())
                    .map(|offer| offer.parameters(true))
                    .collect();
                self.answer(&offers, &agreed, line);
            }
            self.deflate.get_or_insert_with(|| agreed.deflate());
        }
    }

    /// Whether an agreement answers one of the offers.
    fn answer(&mut self, offers: &[Parameters], agreed: &Parameters, line: Range<u32>) {
        let of = Of::Response;
        // An offer that fits; if none does, the first tells best why.
        let fits = |offer: &&Parameters| agreed.faults(offer).is_empty();
        let Some(offer) = offers.iter().find(fits).or_else(|| offers.first()) else {
            return;
        };
        let faults = agreed.faults(offer);
        for rule in [
            Rule::DeflateWindowNotOffered,
            Rule::DeflateTakeoverIgnored,
            Rule::DeflateWindowTooBig,
        ] {
            let fault = faults.iter().find(|(broken, _)| *broken == rule);
            let words = fault.map_or("", |(_, words)| words);
            self.judge(rule, fault.is_none(), of, line.clone(), words);
        }
    }

    /// The extensions of a head, those that can be read.
    fn extensions<'b>(&mut self, head: &Head<'b>, of: Of) -> Vec<(Extension<'b>, Range<u32>)> {
        let mut extensions = Vec::new();
        for (element, line) in head.list("sec-websocket-extensions") {
            let extension = Extension::parse(element);
            self.judge(
                Rule::ExtensionSyntax,
                extension.is_some(),
                of,
                line.clone(),
                element,
            );
            extensions.extend(extension.map(|extension| (extension, line)));
        }
        extensions
    }

    /// The faults of one list of parameters by itself.
    fn parameters(&mut self, parameters: &Parameters, of: Of, line: Range<u32>) {
        for rule in [
            Rule::DeflateParameterUnknown,
            Rule::DeflateParameterDuplicate,
            Rule::DeflateParameterInvalid,
        ] {
            let fault = parameters.wrong.iter().find(|(broken, _)| *broken == rule);
            let words = fault.map_or(extension::DEFLATE, |(_, words)| words);
            self.judge(rule, fault.is_none(), of, line.clone(), words);
        }
    }

    fn judge(&mut self, rule: Rule, passed: bool, of: Of, bytes: Range<u32>, detail: &str) {
        self.checks.push(Check {
            rule,
            passed,
            detail: detail.into(),
        });
        if !passed {
            self.broken.push((rule, of.place(bytes), detail.into()));
        }
    }
}

/// The Sec-WebSocket-Accept that answers a key, whatever it is (RFC 6455 §4.2.2).
fn accept_for(key: &str) -> String {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key.as_bytes());
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(sha1.digest().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Key: hUHkmQ1c1Vn3fmgGIvm2Tg==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

    fn response(extra: &str) -> String {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{extra}\r\n",
            accept_for("hUHkmQ1c1Vn3fmgGIvm2Tg==")
        )
    }

    fn broken(request: &str, response: &str) -> Vec<(Rule, String)> {
        check(Some(request.as_bytes()), Some(response.as_bytes()))
            .broken
            .into_iter()
            .map(|(rule, _, detail)| (rule, detail.into()))
            .collect()
    }

    #[test]
    fn accept_of_the_example_is_right() {
        // RFC 6455 §1.3.
        assert_eq!(
            accept_for("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn lawful_handshake_passes_every_check() {
        let outcome = check(
            Some(REQUEST.as_bytes()),
            Some(
                response(
                    "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\n",
                )
                .as_bytes(),
            ),
        );
        assert_eq!(outcome.broken, []);
        assert!(outcome.checks.iter().all(|check| check.passed));
        assert_eq!(outcome.subprotocol.as_deref(), Some("chat"));
        let deflate = outcome.deflate.expect("it was agreed");
        assert_eq!(deflate.client_max_window_bits.get(), 10);
        assert_eq!(deflate.server_max_window_bits.get(), 15);
    }

    #[test]
    fn each_fault_of_a_request_is_found() {
        for (from, to, rule, detail) in [
            ("GET", "POST", Rule::RequestMethod, "POST"),
            ("HTTP/1.1", "HTTP/1.0", Rule::RequestVersion, "HTTP/1.0"),
            ("Host: a\r\n", "", Rule::HostMissing, "no Host"),
            (
                "Upgrade: websocket\r\n",
                "",
                Rule::UpgradeMissing,
                "no Upgrade",
            ),
            (
                "keep-alive, Upgrade",
                "keep-alive",
                Rule::ConnectionMissing,
                "Connection: keep-alive",
            ),
            (
                "hUHkmQ1c1Vn3fmgGIvm2Tg==",
                "hUHkmQ1c1Vn3fmgGIvm2",
                Rule::KeyInvalid,
                "Sec-WebSocket-Key: hUHkmQ1c1Vn3fmgGIvm2",
            ),
            (
                "Version: 13",
                "Version: 8",
                Rule::VersionInvalid,
                "Sec-WebSocket-Version: 8",
            ),
            (
                "; client_max_window_bits",
                "; x=1",
                Rule::DeflateParameterUnknown,
                "x=1",
            ),
            (
                "; client_max_window_bits",
                "; client_max_window_bits=16",
                Rule::DeflateParameterInvalid,
                "client_max_window_bits=16",
            ),
            (
                "; client_max_window_bits",
                "; server_max_window_bits=9; server_max_window_bits=9",
                Rule::DeflateParameterDuplicate,
                "server_max_window_bits=9",
            ),
            (
                "; client_max_window_bits",
                "; =",
                Rule::ExtensionSyntax,
                "permessage-deflate; =",
            ),
        ] {
            let request = REQUEST.replacen(from, to, 1);
            let found = check(Some(request.as_bytes()), None).broken;
            let found: Vec<_> = found
                .iter()
                .map(|(rule, _, detail)| (*rule, &**detail))
                .collect();
            assert_eq!(found, [(rule, detail)], "{from} -> {to}");
        }
    }

    #[test]
    fn each_fault_of_a_response_is_found() {
        for (extra, rule, detail) in [
            (
                "Sec-WebSocket-Protocol: other\r\n",
                Rule::SubprotocolNotOffered,
                "Sec-WebSocket-Protocol: other",
            ),
            (
                "Sec-WebSocket-Protocol: chat, superchat\r\n",
                Rule::SubprotocolDuplicate,
                "Sec-WebSocket-Protocol: chat",
            ),
            (
                "Sec-WebSocket-Extensions: foo\r\n",
                Rule::ExtensionNotOffered,
                "foo",
            ),
            (
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
                Rule::DeflateParameterInvalid,
                "client_max_window_bits",
            ),
            (
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=08\r\n",
                Rule::DeflateParameterInvalid,
                "server_max_window_bits=08",
            ),
        ] {
            assert_eq!(
                broken(REQUEST, &response(extra)),
                [(rule, detail.to_owned())],
                "{extra}"
            );
        }
    }

    #[test]
    fn agreement_that_answers_no_offer_is_found() {
        for (offer, agreed, rule) in [
            (
                "",
                "client_max_window_bits=10",
                Rule::DeflateWindowNotOffered,
            ),
            (
                "server_no_context_takeover",
                "",
                Rule::DeflateTakeoverIgnored,
            ),
            (
                "server_max_window_bits=10",
                "server_max_window_bits=11",
                Rule::DeflateWindowTooBig,
            ),
            ("server_max_window_bits=10", "", Rule::DeflateWindowTooBig),
        ] {
            let parameters = |parameters: &str| {
                if parameters.is_empty() {
                    "permessage-deflate".to_owned()
                } else {
                    format!("permessage-deflate; {parameters}")
                }
            };
            let request = REQUEST.replace(
                "permessage-deflate; client_max_window_bits",
                &parameters(offer),
            );
            let response = response(&format!(
                "Sec-WebSocket-Extensions: {}\r\n",
                parameters(agreed)
            ));
            let found: Vec<_> = broken(&request, &response)
                .into_iter()
                .map(|(rule, _)| rule)
                .collect();
            assert_eq!(found, [rule], "{offer} / {agreed}");
        }
    }

    #[test]
    fn wrong_accept_says_what_would_be_right() {
        let response = response("").replace("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x");
        let found = broken(REQUEST, &response);
        assert_eq!(found[0].0, Rule::AcceptInvalid);
        assert!(found[0].1.contains("the key asks for "), "{}", found[0].1);
    }

    #[test]
    fn place_is_the_line_of_the_field() {
        let request = REQUEST.replace("Version: 13", "Version: 12");
        let outcome = check(Some(request.as_bytes()), None);
        let Place::Request(bytes) = &outcome.broken[0].1 else {
            panic!("{:?}", outcome.broken);
        };
        let line = &request[bytes.start as usize..bytes.end as usize];
        assert_eq!(line, "Sec-WebSocket-Version: 12");
    }

    #[test]
    fn refusal_is_no_violation_and_426_names_versions() {
        let rules = |response: &str| {
            broken(REQUEST, response)
                .into_iter()
                .map(|(rule, _)| rule)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            rules("HTTP/1.1 403 Forbidden\r\n\r\n"),
            [Rule::StatusInvalid]
        );
        assert_eq!(
            rules("HTTP/1.1 426 Upgrade Required\r\n\r\n"),
            [Rule::StatusInvalid, Rule::VersionRefusal]
        );
    }
}
