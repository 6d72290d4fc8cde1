//! From a URL to an open connection: the streams of `sockeye-tokio`, the handshake in the engine.

use std::{fs, path::Path, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use sockeye_host::{Agreement, Client, Deflate, DialOptions, Engine, Event, Heads};
use sockeye_tokio::{CookieJar, DialError, Dialed, Dialer, ProxyPolicy, TlsRoots, Transport};
use tokio::{net::UnixStream, time::timeout};

use super::{Dial, Ending, Verbosity};

/// Opens connections, any number of times.
pub(super) struct Connector {
    engine: Engine,
    dialer: Dialer,
    jar: Option<(CookieJar, std::path::PathBuf)>,
    url: String,
    deflate: Option<Deflate>,
    message_size: u64,
    verbose: bool,
}

/// An open connection.
pub(super) struct Opened {
    pub(super) client: Client,
    pub(super) agreement: Agreement,
    /// For those who want to see more.
    pub(super) notes: Vec<String>,
}

/// Why there is none.
pub(super) struct Refused {
    pub(super) ending: Ending,
    /// What the server answered.
    pub(super) status: Option<u16>,
    pub(super) notes: Vec<String>,
}

impl Dial {
    /// How streams are made, with the jar if there is one.
    pub(super) fn dialer(&self) -> Result<(Dialer, Option<CookieJar>), Ending> {
        let usage = |error: DialError| Ending::Usage(error.to_string());
        let mut dialer = Dialer::new().handshake_timeout(self.timeout.0);
        for (name, value) in &self.header {
            dialer = dialer
                .header(name.as_str(), value.as_str())
                .map_err(usage)?;
        }
        if let Some(user) = &self.user {
            let mut value =
                HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(user)))
                    .map_err(|error| Ending::Usage(error.to_string()))?;
            value.set_sensitive(true);
            dialer = dialer.header(header::AUTHORIZATION, value).map_err(usage)?;
        }
        dialer = dialer
            .subprotocols(self.subprotocol.iter())
            .map_err(usage)?;
        if let Some(origin) = &self.origin {
            dialer = dialer.origin(origin.as_str()).map_err(usage)?;
        }
        if self.follow {
            dialer = dialer.follow_redirects(REDIRECTS);
        }
        if let Some(proxy) = &self.proxy {
            dialer = dialer.proxy(ProxyPolicy::url(proxy).map_err(usage)?);
        } else if self.no_proxy {
            dialer = dialer.proxy(ProxyPolicy::none());
        }
        if let Some(path) = self.unix.clone() {
            dialer = dialer
                .proxy(ProxyPolicy::none())
                .connector(move |_: String, _: u16| {
                    let path = path.clone();
                    async move { UnixStream::connect(path).await.map(Transport::from) }
                });
        }
        if let Some(path) = &self.ca {
            let roots = TlsRoots::default()
                .with_pem(read(path)?)
                .map_err(|error| Ending::Failed(format!("{}: {error}", path.display())))?;
            dialer = dialer.tls_roots(roots);
        }
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            dialer = dialer
                .client_certificate(read(certificate)?, read(key)?)
                .map_err(|error| Ending::Failed(error.to_string()))?;
        }
        if self.insecure {
            dialer = dialer.dangerous_accept_any_certificate();
        }
        let mut jar = None;
        if let Some(path) = &self.cookie_jar {
            let loaded = CookieJar::load(path).map_err(|error| {
                Ending::Failed(format!(
                    "cannot read cookies from {}: {error}",
                    path.display()
                ))
            })?;
            dialer = dialer.cookie_jar(loaded.clone());
            jar = Some(loaded);
        }
        Ok((dialer, jar))
    }
}

impl Connector {
    pub(super) fn new(dial: &Dial, engine: Engine, dialer: (Dialer, Option<CookieJar>)) -> Self {
        let (dialer, jar) = dialer;
        Self {
            engine,
            dialer,
            jar: jar.zip(dial.cookie_jar.clone()),
            url: dial.url.clone(),
            deflate: dial.deflate,
            message_size: dial.max_message,
            verbose: dial.verbosity() == Verbosity::Verbose,
        }
    }

    /// Connects and shakes hands, again where redirects are to be followed.
    pub(super) async fn open(&self) -> Result<Opened, Refused> {
        let mut notes = Vec::new();
        let mut dialed = match self.dialer.connect(&self.url).await {
            Ok(dialed) => dialed,
            Err(error) => return Err(refused(error, notes)),
        };
        loop {
            let options = self.options(&dialed);
            let Dialed {
                transport,
                redirects,
                url,
                ..
            } = dialed;
            let mut client = Client::open(&self.engine, transport, &options)
                .map_err(|error| Refused::failed(error.to_string(), &mut notes))?;
            let event = outcome(&mut client).await;
            let heads = client.heads();
            if self.verbose {
                notes.push(format!("connected to {url}"));
                notes.extend(lines("> ", &heads.request));
                notes.extend(lines("< ", &heads.response));
            }
            let response = response(&heads);
            let status = response.as_ref().map(|response| response.status().as_u16());
            if let Some(response) = &response {
                let next = self.dialer.follow(redirects, response).await;
                self.keep_cookies(&mut notes)?;
                match next {
                    Ok(None) => {}
                    Ok(Some(next)) => {
                        dialed = next;
                        continue;
                    }
                    Err(error) => return Err(refused(error, notes)),
                }
            }
            return match event {
                Some(Event::Opened(agreement)) => Ok(Opened {
                    client,
                    agreement,
                    notes,
                }),
                event => {
                    let sentence = match (&response, event) {
                        (Some(response), _) if status != Some(101) => refusal(response),
                        (_, Some(Event::Closed(closed))) => format!(
                            "the handshake with {url} failed: {}",
                            closed.error.unwrap_or_else(|| "the server ended it".into())
                        ),
                        _ => "the instance of the component failed".into(),
                    };
                    Err(Refused {
                        status,
                        ..Refused::failed(sentence, &mut notes)
                    })
                }
            };
        }
    }

    fn options(&self, dialed: &Dialed) -> DialOptions {
        let asked = &dialed.options;
        let mut options = DialOptions::new(asked.host(), asked.target());
        options.subprotocols = asked.subprotocols().to_vec();
        options.origin = asked.origin().map(Into::into);
        options.headers = asked
            .headers
            .iter()
            .map(|(name, value)| (name.into(), String::from_utf8_lossy(value).into_owned()))
            .collect();
        options.deflate = self.deflate;
        options.message_size = self.message_size;
        options.handshake_timeout = asked.timeout;
        // The session keeps the time: whoever reads our output slowly holds up the answer, and must not lose what comes before it.
        options.close_timeout = None;
        options
    }

    fn keep_cookies(&self, notes: &mut Vec<String>) -> Result<(), Refused> {
        let Some((jar, path)) = &self.jar else {
            return Ok(());
        };
        jar.save(path).map_err(|error| {
            let sentence = format!("cannot keep cookies in {}: {error}", path.display());
            Refused::failed(sentence, notes)
        })
    }
}

impl Refused {
    fn failed(sentence: String, notes: &mut Vec<String>) -> Self {
        Self {
            ending: Ending::Failed(sentence),
            status: None,
            notes: std::mem::take(notes),
        }
    }
}

fn refused(error: DialError, mut notes: Vec<String>) -> Refused {
    let sentence = match &error {
        DialError::InvalidUrl(_) | DialError::UnsupportedScheme { .. } => {
            return Refused {
                ending: Ending::Usage(error.to_string()),
                status: None,
                notes,
            };
        }
        DialError::Connector { source, .. } => {
            format!(
                "cannot connect to the Unix socket: {source}: is the server running, and is that its path?"
            )
        }
        _ => error.to_string(),
    };
    let status = error.response().map(|response| response.status().as_u16());
    Refused {
        status,
        ..Refused::failed(sentence, &mut notes)
    }
}

/// Waits for what comes of the handshake; `None` also for a refusal whose body does not end.
async fn outcome(client: &mut Client) -> Option<Event> {
    loop {
        // The body is for people: no server shall hold us for it.
        match timeout(BODY_TIME, client.next()).await {
            Ok(event) => return event,
            Err(_) => {
                let response = response(&client.heads());
                if response.is_some_and(|response| response.status() != 101) {
                    return None;
                }
            }
        }
    }
}

/// What a server says that does not want to talk.
fn refusal(response: &Response<Bytes>) -> String {
    let status = response.status();
    let hint = match status.as_u16() {
        200..=299 => "is there a WebSocket at this path?",
        300..=399 => "it redirects: use --follow",
        401 => "credentials are missing or wrong: use --user",
        403 => "it does not allow this client, or this origin: use --origin",
        404 => "is the path right?",
        407 => "the proxy wants credentials",
        429 => "there were too many requests: try later",
        502..=504 => "the server behind it does not answer",
        _ => "it does not want to talk WebSocket here",
    };
    let mut sentence = format!("the server answered with {status} instead of 101: {hint}");
    let body = String::from_utf8_lossy(response.body());
    if let Some(line) = body.lines().map(str::trim).find(|line| !line.is_empty()) {
        let line: String = line.chars().take(200).collect();
        sentence.push_str(&format!(" It says: {line}"));
    }
    sentence
}

/// The response, for redirects, cookies and people; the protocol has made up its own mind.
fn response(heads: &Heads) -> Option<Response<Bytes>> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut parsed = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(_) = parsed.parse(&heads.response).ok()? else {
        return None;
    };
    let mut response = Response::new(Bytes::copy_from_slice(&heads.body));
    *response.status_mut() = StatusCode::from_u16(parsed.code?).ok()?;
    let headers: &mut HeaderMap = response.headers_mut();
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some(response)
}

/// The lines of a head, each behind `mark`, without what nobody may see.
fn lines(mark: &str, head: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(head)
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| match line.split_once(':') {
            Some((name, _))
                if SECRET
                    .iter()
                    .any(|secret| name.eq_ignore_ascii_case(secret)) =>
            {
                format!("{mark}{name}: ***")
            }
            _ => format!("{mark}{line}"),
        })
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, Ending> {
    fs::read(path)
        .map_err(|error| Ending::Failed(format!("cannot read {}: {error}", path.display())))
}

const SECRET: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
];

/// How long the body of a refusal may take.
const BODY_TIME: Duration = Duration::from_secs(2);

/// Redirects that are followed one after the other.
const REDIRECTS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nauthorization: Basic eA==\r\nCookie: a=b\r\n\r\n";
        assert_eq!(
            lines("> ", head),
            [
                "> GET / HTTP/1.1",
                "> Host: a",
                "> authorization: ***",
                "> Cookie: ***"
            ]
        );
    }

    #[test]
    fn refusals_show_the_first_line_of_the_body() {
        let mut heads = Heads::default();
        heads.response = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n".to_vec();
        heads.body = b"\n no room\nat all".to_vec();
        let response = response(&heads).expect("it is a response");
        assert_eq!(
            refusal(&response),
            "the server answered with 404 Not Found instead of 101: is the path right? It says: no room"
        );
    }
}
