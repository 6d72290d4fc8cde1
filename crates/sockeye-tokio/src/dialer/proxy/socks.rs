//! The client's side of SOCKS5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928), [RFC 1929](https://www.rfc-editor.org/rfc/rfc1929)).

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ProxyError, SocksReply};
use crate::Transport;

/// Where a proxy is to connect to.
pub(super) enum Address<'a> {
    Name(&'a str, u16),
    Ip(SocketAddr),
}

impl<'a> Address<'a> {
    /// The address if it is known, else the host, which may be one itself.
    pub(super) fn new(host: &'a str, port: u16, address: Option<SocketAddr>) -> Self {
        match address {
            Some(address) => Self::Ip(address),
            None => match host.parse::<IpAddr>() {
                Ok(ip) => Self::Ip(SocketAddr::new(ip, port)),
                Err(_) => Self::Name(host, port),
            },
        }
    }

    /// Appends it as RFC 1928 §5 has it.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ProxyError> {
        let port = match self {
            Self::Name(name, port) => {
                out.push(0x03);
                push_short(name, "name of the server", out)?;
                *port
            }
            Self::Ip(address) => {
                match address.ip() {
                    IpAddr::V4(ip) => {
                        out.push(0x01);
                        out.extend_from_slice(&ip.octets());
                    }
                    IpAddr::V6(ip) => {
                        out.push(0x04);
                        out.extend_from_slice(&ip.octets());
                    }
                }
                address.port()
            }
        };
        out.extend_from_slice(&port.to_be_bytes());
        Ok(())
    }
}

/// Has the proxy connect to this address.
pub(super) async fn open(
    stream: &mut Transport,
    address: Address<'_>,
    user: Option<&(String, String)>,
) -> Result<(), ProxyError> {
    // RFC 1928 §3: the methods that we know, no authentication and, with something to show, user and password.
    let greeting: &[u8] = match user {
        None => &[VERSION, 1, NO_AUTHENTICATION],
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, PASSWORD],
    };
    write(stream, greeting).await?;
    let [version, method] = read(stream).await?;
    if version != VERSION {
        return Err(ProxyError::NotAProxy);
    }
    match (method, user) {
        (NO_AUTHENTICATION, _) => {}
        (PASSWORD, Some(user)) => authenticate(stream, user).await?,
        (NONE_ACCEPTABLE, None) => return Err(ProxyError::AuthenticationRequired),
        (NONE_ACCEPTABLE, Some(_)) => return Err(ProxyError::AuthenticationRefused),
        _ => return Err(ProxyError::NotAProxy),
    }

    // RFC 1928 §4: CONNECT.
    let mut request = vec![VERSION, 0x01, 0x00];
    address.encode(&mut request)?;
    write(stream, &request).await?;
    let [version, reply, _, kind] = read(stream).await?;
    if version != VERSION {
        return Err(ProxyError::NotAProxy);
    }
    if reply != 0x00 {
        return Err(ProxyError::Socks(SocksReply::from_code(reply)));
    }
    // The address that the proxy connects from is of no use, but comes before what the server says.
    let len = match kind {
        0x01 => 4,
        0x03 => usize::from(read::<1>(stream).await?[0]),
        0x04 => 16,
        _ => return Err(ProxyError::NotAProxy),
    };
    let mut rest = [0; 255 + 2];
    let rest = rest.get_mut(..len + 2).unwrap_or_default();
    stream.read_exact(rest).await?;
    Ok(())
}

/// Shows user and password (RFC 1929 §2).
async fn authenticate(
    stream: &mut Transport,
    (user, password): &(String, String),
) -> Result<(), ProxyError> {
    let mut request = vec![0x01];
    push_short(user, "user", &mut request)?;
    push_short(password, "password", &mut request)?;
    write(stream, &request).await?;
    match read(stream).await? {
        [0x01, 0x00] => Ok(()),
        [0x01, _] => Err(ProxyError::AuthenticationRefused),
        _ => Err(ProxyError::NotAProxy),
    }
}

/// Appends a length of one byte, and the text.
fn push_short(text: &str, what: &'static str, out: &mut Vec<u8>) -> Result<(), ProxyError> {
    match u8::try_from(text.len()) {
        Ok(len) if len > 0 => {
            out.push(len);
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        _ => Err(ProxyError::TooLong { what }),
    }
}

async fn write(stream: &mut Transport, bytes: &[u8]) -> Result<(), ProxyError> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

async fn read<const N: usize>(stream: &mut Transport) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

const VERSION: u8 = 0x05;
const NO_AUTHENTICATION: u8 = 0x00;
const PASSWORD: u8 = 0x02;
const NONE_ACCEPTABLE: u8 = 0xff;
