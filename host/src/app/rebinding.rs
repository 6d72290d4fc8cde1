//! Keeps out web pages whose name was made to mean this machine.

use std::net::IpAddr;

use sockeye_host::{OriginPolicy, Peer, Request, UpgradeOptions};

/// Why a web page may not have what this machine would tell its own user, if so.
///
/// Whoever owns a name can have it mean 127.0.0.1 for a moment (DNS rebinding). To a browser, and to the rule that a page may
/// connect to the host it is from, that page is then ours. It cannot change the name that the request is for.
pub(super) fn objection(
    request: &Request,
    peer: &Peer<'_>,
    options: &UpgradeOptions,
) -> Option<String> {
    let is_local = peer
        .address()
        .is_some_and(|address| address.ip().to_canonical().is_loopback());
    // Programs that are no browsers send no origin; and who lists origins has decided.
    if request.origin.is_none() || !is_local || !matches!(options.origins, OriginPolicy::SameHost) {
        return None;
    }
    let (_, host) = request.headers.iter().find(|(name, _)| name == "host")?;
    (!is_local_name(host)).then(|| {
        format!("A web page of {host} may not connect to a server on this machine, unless that has it as --origin.\n")
    })
}

/// Whether nobody else can give the name in this `Host` another meaning.
fn is_local_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    let name = name.to_ascii_lowercase();
    address.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_local_names() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "app.localhost:8080",
            "127.0.0.1",
            "192.168.1.2:8080",
            "[::1]:8080",
            "[::1]",
        ] {
            assert!(is_local_name(host), "{host}");
        }
        for host in [
            "example.com",
            "example.com:80",
            "notlocalhost",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "",
            ":80",
        ] {
            assert!(!is_local_name(host), "{host}");
        }
    }
}
