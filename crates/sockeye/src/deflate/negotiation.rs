//! The negotiation of permessage-deflate ([RFC 7692 §5.1, §7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1)).

use alloc::string::String;

use crate::{
    DeflateParameters, HandshakeError, PerMessageDeflate, WindowBits,
    handshake::list::{self, Extension, Value},
};

impl PerMessageDeflate {
    /// Takes the first acceptable offer of a client, given the values of its `Sec-WebSocket-Extensions` headers: the parameters to use, and
    /// the value of the response header.
    ///
    /// An offer with parameters that are unknown, repeated or not valid is declined, which is no error: the client then does without
    /// compression.
    pub(crate) fn accept_offer<'a>(
        &self,
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<(DeflateParameters, String)> {
        values
            .into_iter()
            .flat_map(list::extensions)
            .map_while(Result::ok)
            .filter(|extension| extension.name.eq_ignore_ascii_case(NAME))
            .find_map(|extension| Some(self.answer(Offered::read(extension)?)))
    }

    /// Writes the offer of a client.
    pub(crate) fn offer(&self) -> String {
        let mut offer = String::from(NAME);
        if self.server_no_context_takeover {
            push(&mut offer, SERVER_NO_CONTEXT_TAKEOVER, None);
        }
        if self.client_no_context_takeover {
            push(&mut offer, CLIENT_NO_CONTEXT_TAKEOVER, None);
        }
        if self.server_max_window_bits < WindowBits::MAX {
            push(
                &mut offer,
                SERVER_MAX_WINDOW_BITS,
                Some(self.server_max_window_bits),
            );
        }
        // Always there, so that the server may ask for a smaller window (RFC 7692 §7.1.2.2).
        let bits = Some(self.client_max_window_bits).filter(|&bits| bits < WindowBits::MAX);
        push(&mut offer, CLIENT_MAX_WINDOW_BITS, bits);
        offer
    }

    /// Checks the server's answer to [`offer`](Self::offer).
    ///
    /// # Errors
    ///
    /// [`HandshakeError::ExtensionParameters`]: the answer has parameters that are unknown, repeated or not valid, or goes beyond the offer.
    pub(crate) fn check_answer(
        &self,
        extension: Extension<'_>,
    ) -> Result<DeflateParameters, HandshakeError> {
        self.agree(extension)
            .ok_or(HandshakeError::ExtensionParameters)
    }

    fn agree(&self, extension: Extension<'_>) -> Option<DeflateParameters> {
        let answer = Offered::read(extension)?;
        // RFC 7692 §7.1.1.1, §7.1.2.1: a server accepts these two by repeating them.
        if self.server_no_context_takeover && !answer.server_no_context_takeover {
            return None;
        }
        let server_bits = answer.server_max_window_bits.unwrap_or(WindowBits::MAX);
        if server_bits > self.server_max_window_bits {
            return None;
        }
        let client_bits = match answer.client_max_window_bits {
            None => self.client_max_window_bits,
            // RFC 7692 §7.1.2.2: in an answer, this parameter has a value.
            Some(bits) => bits?,
        };
        if client_bits > self.client_max_window_bits {
            return None;
        }
        Some(DeflateParameters {
            server_no_context_takeover: answer.server_no_context_takeover,
            // A client may always forget its window, asked or not.
            client_no_context_takeover: self.client_no_context_takeover
                || answer.client_no_context_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        })
    }

    fn answer(&self, offered: Offered) -> (DeflateParameters, String) {
        let server_bits = (offered.server_max_window_bits)
            .map_or(self.server_max_window_bits, |bits| {
                bits.min(self.server_max_window_bits)
            });
        // RFC 7692 §7.1.2.2: a client that did not offer this parameter may use the largest window.
        let client_bits = (offered.client_max_window_bits).map_or(WindowBits::MAX, |bits| {
            bits.unwrap_or(WindowBits::MAX)
                .min(self.client_max_window_bits)
        });
        let parameters = DeflateParameters {
            server_no_context_takeover: self.server_no_context_takeover
                || offered.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || offered.client_no_context_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        };
        let mut answer = String::with_capacity(LONGEST_ANSWER);
        answer.push_str(NAME);
        if parameters.server_no_context_takeover {
            push(&mut answer, SERVER_NO_CONTEXT_TAKEOVER, None);
        }
        if parameters.client_no_context_takeover {
            push(&mut answer, CLIENT_NO_CONTEXT_TAKEOVER, None);
        }
        // RFC 7692 §7.1.2.1: the offer of this parameter is accepted by repeating it.
        if offered.server_max_window_bits.is_some() || server_bits < WindowBits::MAX {
            push(&mut answer, SERVER_MAX_WINDOW_BITS, Some(server_bits));
        }
        if client_bits < WindowBits::MAX {
            push(&mut answer, CLIENT_MAX_WINDOW_BITS, Some(client_bits));
        }
        (parameters, answer)
    }
}

/// The parameters of an offer or an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<WindowBits>,
    /// The value is optional.
    client_max_window_bits: Option<Option<WindowBits>>,
}

impl Offered {
    /// `None` if a parameter is unknown, repeated or not valid.
    fn read(extension: Extension<'_>) -> Option<Self> {
        let mut offered = Self::default();
        for parameter in extension.parameters() {
            let is = |name: &str| parameter.name.eq_ignore_ascii_case(name);
            let repeated = if is(SERVER_NO_CONTEXT_TAKEOVER) && parameter.value.is_none() {
                core::mem::replace(&mut offered.server_no_context_takeover, true)
            } else if is(CLIENT_NO_CONTEXT_TAKEOVER) && parameter.value.is_none() {
                core::mem::replace(&mut offered.client_no_context_takeover, true)
            } else if is(SERVER_MAX_WINDOW_BITS) {
                let bits = window_bits(parameter.value?)?;
                offered.server_max_window_bits.replace(bits).is_some()
            } else if is(CLIENT_MAX_WINDOW_BITS) {
                let bits = match parameter.value {
                    Some(value) => Some(window_bits(value)?),
                    None => None,
                };
                offered.client_max_window_bits.replace(bits).is_some()
            } else {
                return None;
            };
            if repeated {
                return None;
            }
        }
        Some(offered)
    }
}

/// Reads 8 to 15, without leading zeros (RFC 7692 §7.1.2.1).
fn window_bits(value: Value<'_>) -> Option<WindowBits> {
    let mut digits = value.bytes();
    WindowBits::new(match (digits.next()?, digits.next(), digits.next()) {
        (digit @ b'8'..=b'9', None, None) => digit - b'0',
        (b'1', Some(digit @ b'0'..=b'5'), None) => 10 + (digit - b'0'),
        _ => return None,
    })
}

fn push(header: &mut String, name: &str, bits: Option<WindowBits>) {
    header.push_str("; ");
    header.push_str(name);
    if let Some(bits) = bits {
        header.push('=');
        if bits.get() >= 10 {
            header.push('1');
        }
        header.push(char::from(b'0' + bits.get() % 10));
    }
}

pub(crate) const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";
/// Bytes of an answer with every parameter.
const LONGEST_ANSWER: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    /// Settings written as no-context-takeover of server and client, then window bits of server and client.
    fn settings(role: Role, takeover: (bool, bool), bits: (u8, u8)) -> PerMessageDeflate {
        let mut settings = PerMessageDeflate::new(role);
        settings.server_no_context_takeover = takeover.0;
        settings.client_no_context_takeover = takeover.1;
        settings.server_max_window_bits = WindowBits::new(bits.0).unwrap();
        settings.client_max_window_bits = WindowBits::new(bits.1).unwrap();
        settings
    }

    type Parameters = (bool, bool, u8, u8);

    fn flat(parameters: DeflateParameters) -> Parameters {
        (
            parameters.server_no_context_takeover,
            parameters.client_no_context_takeover,
            parameters.server_max_window_bits.get(),
            parameters.client_max_window_bits.get(),
        )
    }

    fn accept(settings: &PerMessageDeflate, offers: &[&str]) -> Option<(Parameters, String)> {
        let (parameters, answer) =
            settings.accept_offer(offers.iter().map(|offer| offer.as_bytes()))?;
        assert!(answer.len() <= LONGEST_ANSWER && answer.capacity() == LONGEST_ANSWER);
        Some((flat(parameters), answer))
    }

    fn check(settings: &PerMessageDeflate, answer: &str) -> Result<Parameters, HandshakeError> {
        let extension = list::extensions(answer.as_bytes()).next().unwrap().unwrap();
        settings.check_answer(extension).map(flat)
    }

    /// The offers of Autobahn's cases 13.1 to 13.7 and the examples of RFC 7692 §7.1, against a server that takes everything.
    #[test]
    fn server_answers_each_offer_with_what_it_asks_for() {
        let server = settings(Role::Server, (false, false), (15, 15));
        for (offer, parameters, answer) in [
            ("permessage-deflate", (false, false, 15, 15), ""),
            (
                "permessage-deflate; client_max_window_bits",
                (false, false, 15, 15),
                "",
            ),
            (
                "permessage-deflate; client_no_context_takeover; client_max_window_bits",
                (false, true, 15, 15),
                "; client_no_context_takeover",
            ),
            (
                "permessage-deflate; client_max_window_bits; server_max_window_bits=9",
                (false, false, 9, 15),
                "; server_max_window_bits=9",
            ),
            (
                "permessage-deflate; client_max_window_bits; server_max_window_bits=15",
                (false, false, 15, 15),
                "; server_max_window_bits=15",
            ),
            (
                "permessage-deflate; server_no_context_takeover; client_max_window_bits; server_max_window_bits=9",
                (true, false, 9, 15),
                "; server_no_context_takeover; server_max_window_bits=9",
            ),
            (
                "permessage-deflate; client_max_window_bits; server_no_context_takeover; server_max_window_bits=15",
                (true, false, 15, 15),
                "; server_no_context_takeover; server_max_window_bits=15",
            ),
            (
                "permessage-deflate; client_max_window_bits=10",
                (false, false, 15, 10),
                "; client_max_window_bits=10",
            ),
            (
                "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
                (false, false, 10, 15),
                "; server_max_window_bits=10",
            ),
            (
                "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
                (false, false, 8, 8),
                "; server_max_window_bits=8; client_max_window_bits=8",
            ),
            (
                "PerMessage-Deflate; Server_No_Context_Takeover",
                (true, false, 15, 15),
                "; server_no_context_takeover",
            ),
            (
                // What gorilla/websocket offers. It takes no answer without both.
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
                (true, true, 15, 15),
                "; server_no_context_takeover; client_no_context_takeover",
            ),
            (
                r#"permessage-deflate; server_max_window_bits="10"; client_max_window_bits="1\2""#,
                (false, false, 10, 12),
                "; server_max_window_bits=10; client_max_window_bits=12",
            ),
        ] {
            let answer = String::from(NAME) + answer;
            assert_eq!(
                accept(&server, &[offer]),
                Some((parameters, answer)),
                "{offer}"
            );
        }
    }

    #[test]
    fn server_answers_with_its_own_settings_where_they_are_tighter() {
        let small = settings(Role::Server, (true, true), (10, 11));
        for (offer, parameters, answer) in [
            (
                "permessage-deflate",
                (true, true, 10, 15),
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10",
            ),
            (
                "permessage-deflate; client_max_window_bits",
                (true, true, 10, 11),
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
            ),
            (
                "permessage-deflate; client_max_window_bits=9; server_max_window_bits=12",
                (true, true, 10, 9),
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
            ),
        ] {
            let answer = String::from(NAME) + answer;
            assert_eq!(
                accept(&small, &[offer]),
                Some((parameters, answer)),
                "{offer}"
            );
        }
        let default = PerMessageDeflate::new(Role::Server);
        assert_eq!(
            accept(&default, &["permessage-deflate; client_max_window_bits"]),
            Some((
                (false, false, 12, 12),
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12".into()
            ))
        );
    }

    /// CVE-2026-2229: window bits out of range.
    #[test]
    fn offers_that_are_not_valid_are_declined() {
        let server = PerMessageDeflate::new(Role::Server);
        for parameters in [
            "server_max_window_bits",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=0",
            "server_max_window_bits=08",
            "server_max_window_bits=010",
            "server_max_window_bits=1",
            "server_max_window_bits=100",
            "server_max_window_bits=-9",
            "server_max_window_bits=+9",
            "server_max_window_bits=9.0",
            "server_max_window_bits=0x9",
            "server_max_window_bits=99999999999999999999999999",
            "server_max_window_bits=\"8a\"",
            "client_max_window_bits=7",
            "client_max_window_bits=16",
            "client_max_window_bits=015",
            "server_no_context_takeover=1",
            "client_no_context_takeover=true",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "client_max_window_bits; client_max_window_bits",
            "client_max_window_bits=9; client_max_window_bits=9",
            "server_max_window_bits=9; server_max_window_bits=9",
            "unknown",
            "mode=1",
        ] {
            let offer = String::from("permessage-deflate; ") + parameters;
            assert_eq!(accept(&server, &[&offer]), None, "{offer}");
        }
        assert_eq!(accept(&server, &[]), None);
        assert_eq!(
            accept(&server, &["", "x-webkit-deflate-frame", "permessage-bzip2"]),
            None
        );
    }

    #[test]
    fn first_acceptable_of_several_offers_is_taken() {
        let server = settings(Role::Server, (false, false), (15, 15));
        let ten = (
            (false, false, 10, 15),
            String::from("permessage-deflate; server_max_window_bits=10"),
        );
        for offers in [
            // RFC 7692 §7.1.2.1: an offer, and a fallback.
            &["permessage-deflate; server_max_window_bits=10, permessage-deflate"][..],
            &[
                "permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=10",
            ],
            &[
                "permessage-deflate; unknown",
                "permessage-deflate; server_max_window_bits=10",
            ],
            &["foo; bar=1, ,permessage-deflate;server_max_window_bits = 10,permessage-deflate"],
        ] {
            assert_eq!(accept(&server, offers), Some(ten.clone()), "{offers:?}");
        }
    }

    #[test]
    fn client_offers_what_it_is_set_to() {
        let offer = |takeover, bits| settings(Role::Client, takeover, bits).offer();
        assert_eq!(
            PerMessageDeflate::new(Role::Client).offer(),
            "permessage-deflate; client_max_window_bits"
        );
        assert_eq!(
            offer((true, false), (10, 15)),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits"
        );
        assert_eq!(
            offer((false, true), (15, 9)),
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=9"
        );
    }

    #[test]
    fn client_takes_answers_that_its_offer_allows() {
        let open = PerMessageDeflate::new(Role::Client);
        for (answer, parameters) in [
            ("permessage-deflate", (false, false, 15, 15)),
            (
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=\"12\"",
                (false, false, 12, 12),
            ),
            (
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
                (true, true, 15, 15),
            ),
        ] {
            assert_eq!(check(&open, answer), Ok(parameters), "{answer}");
        }
        let tight = settings(Role::Client, (true, true), (10, 11));
        for (answer, parameters) in [
            (
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
                (true, true, 10, 11),
            ),
            (
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8",
                (true, true, 9, 8),
            ),
        ] {
            assert_eq!(check(&tight, answer), Ok(parameters), "{answer}");
        }
    }

    #[test]
    fn client_refuses_answers_that_go_beyond_its_offer() {
        let tight = settings(Role::Client, (true, true), (10, 11));
        for answer in [
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=12",
        ] {
            assert_eq!(
                check(&tight, answer),
                Err(HandshakeError::ExtensionParameters),
                "{answer}"
            );
        }
        let open = PerMessageDeflate::new(Role::Client);
        for answer in [
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; unknown",
        ] {
            assert_eq!(
                check(&open, answer),
                Err(HandshakeError::ExtensionParameters),
                "{answer}"
            );
        }
    }

    #[test]
    fn every_answer_of_the_server_suits_the_client_that_offered() {
        const BITS: [(u8, u8); 6] = [(8, 8), (8, 15), (15, 8), (15, 15), (9, 12), (12, 9)];
        let pairs = BITS
            .iter()
            .flat_map(|&client| BITS.map(|server| (client, server)));
        for (client_bits, server_bits) in pairs {
            for flags in 0..16_u8 {
                let client = settings(Role::Client, (flags & 1 != 0, flags & 2 != 0), client_bits);
                let server = settings(Role::Server, (flags & 4 != 0, flags & 8 != 0), server_bits);
                let offer = client.offer();
                let (parameters, answer) = accept(&server, &[&offer]).unwrap();
                assert_eq!(check(&client, &answer), Ok(parameters), "{offer} {answer}");
            }
        }
    }
}
