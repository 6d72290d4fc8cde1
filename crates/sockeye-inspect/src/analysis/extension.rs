//! `Sec-WebSocket-Extensions`, read as it is ([RFC 6455 §9.1](https://www.rfc-editor.org/rfc/rfc6455#section-9.1)).

use sockeye::{DeflateParameters, WindowBits};

use super::head;
use crate::Rule;

/// The name of permessage-deflate.
pub(super) const DEFLATE: &str = "permessage-deflate";

/// One extension: its name, and its parameters with their values.
#[derive(Debug)]
pub(super) struct Extension<'b> {
    pub(super) name: &'b str,
    parameters: Vec<(&'b str, Option<&'b str>)>,
}

/// The parameters of permessage-deflate, of an offer or an agreement.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// With `Some(None)`: named without a value.
    client_max_window_bits: Option<Option<u8>>,
    /// What is wrong with it by itself.
    pub(super) wrong: Vec<(Rule, String)>,
}

impl<'b> Extension<'b> {
    /// Reads one element of the list; `None` when it is none.
    pub(super) fn parse(element: &'b str) -> Option<Self> {
        let mut parts = head::split(element, ';');
        let name = parts.next().filter(|name| is_token(name))?;
        let mut parameters = Vec::new();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
                None => (part, None),
            };
            if !is_token(name) || value.is_some_and(|value| !is_token(value)) {
                return None;
            }
            parameters.push((name, value));
        }
        Some(Self { name, parameters })
    }

    pub(super) fn is_deflate(&self) -> bool {
        self.name == DEFLATE
    }

    /// Its parameters as those of permessage-deflate.
    pub(super) fn parameters(&self, is_offer: bool) -> Parameters {
        let mut read = Parameters::default();
        for (at, &(name, value)) in self.parameters.iter().enumerate() {
            let words = || match value {
                Some(value) => format!("{name}={value}"),
                None => name.to_owned(),
            };
            if self.parameters[..at]
                .iter()
                .any(|&(other, _)| other == name)
            {
                read.wrong.push((Rule::DeflateParameterDuplicate, words()));
                continue;
            }
            let bits = value.and_then(window_bits);
            let is_valid = match name {
                "server_no_context_takeover" => {
                    read.server_no_context_takeover = true;
                    value.is_none()
                }
                "client_no_context_takeover" => {
                    read.client_no_context_takeover = true;
                    value.is_none()
                }
                "server_max_window_bits" => {
                    read.server_max_window_bits = bits;
                    bits.is_some()
                }
                "client_max_window_bits" => {
                    read.client_max_window_bits = Some(bits);
                    // RFC 7692 §7.1.2.2: the value may be left out in an offer.
                    bits.is_some() || is_offer && value.is_none()
                }
                _ => {
                    read.wrong.push((Rule::DeflateParameterUnknown, words()));
                    continue;
                }
            };
            if !is_valid {
                read.wrong.push((Rule::DeflateParameterInvalid, words()));
            }
        }
        read
    }
}

impl Parameters {
    /// In what this agreement does not answer that offer (RFC 7692 §7.1).
    pub(super) fn faults(&self, offer: &Self) -> Vec<(Rule, String)> {
        let mut faults = Vec::new();
        if self.client_max_window_bits.is_some() && offer.client_max_window_bits.is_none() {
            faults.push((
                Rule::DeflateWindowNotOffered,
                "client_max_window_bits was not offered".to_owned(),
            ));
        }
        if offer.server_no_context_takeover && !self.server_no_context_takeover {
            faults.push((
                Rule::DeflateTakeoverIgnored,
                "server_no_context_takeover was asked for".to_owned(),
            ));
        }
        if let Some(offered) = offer.server_max_window_bits {
            let words = match self.server_max_window_bits {
                Some(agreed) if agreed <= offered => return faults,
                Some(agreed) => format!("server_max_window_bits={agreed}, offered was {offered}"),
                None => format!("no server_max_window_bits, offered was {offered}"),
            };
            faults.push((Rule::DeflateWindowTooBig, words));
        }
        faults
    }

    /// What an agreement with these parameters means.
    pub(super) fn deflate(&self) -> DeflateParameters {
        let bits = |bits: Option<u8>| bits.and_then(WindowBits::new).unwrap_or(WindowBits::MAX);
        let mut deflate = DeflateParameters::default();
        deflate.server_no_context_takeover = self.server_no_context_takeover;
        deflate.client_no_context_takeover = self.client_no_context_takeover;
        deflate.server_max_window_bits = bits(self.server_max_window_bits);
        deflate.client_max_window_bits = bits(self.client_max_window_bits.flatten());
        deflate
    }
}

/// 8 to 15 without a leading zero.
fn window_bits(value: &str) -> Option<u8> {
    if value.starts_with('0') || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    value.parse().ok().filter(|bits| (8..=15).contains(bits))
}

fn is_token(text: &str) -> bool {
    let is_separator = |byte| b"()<>@,;:\\\"/[]?={} \t".contains(&byte);
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !is_separator(byte))
}
