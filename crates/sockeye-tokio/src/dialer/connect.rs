//! Connecting to a host: whichever of its addresses answers first.

use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::{
    net::{TcpSocket, TcpStream, lookup_host},
    time::{Instant, timeout, timeout_at},
};

use crate::{ConnectAttempt, DialError, Phase, Transport};

/// The time at which a dial ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Option<Instant>,
    limit: Duration,
}

impl Deadline {
    /// So far from now. `None`: never.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        Self {
            at: limit.and_then(|limit| Instant::now().checked_add(limit)),
            limit: limit.unwrap_or(Duration::MAX),
        }
    }

    /// Waits for a step of the dial, but not longer.
    pub(crate) async fn within<T>(
        self,
        phase: Phase,
        peer: &str,
        step: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        match self.at {
            None => step.await,
            Some(at) => timeout_at(at, step)
                .await
                .unwrap_or_else(|_| Err(self.over(phase, peer))),
        }
    }

    /// The error of a dial that took too long.
    pub(crate) fn over(self, phase: Phase, peer: &str) -> DialError {
        DialError::Timeout {
            phase,
            peer: peer.into(),
            limit: self.limit,
        }
    }
}

/// How TCP connections are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TcpOptions {
    pub(crate) local_address: Option<IpAddr>,
    /// Let the operating system gather small writes.
    pub(crate) delay: bool,
}

impl TcpOptions {
    /// Connects to a host, a name or an address without brackets.
    pub(crate) async fn connect(
        self,
        host: &str,
        port: u16,
        deadline: Deadline,
    ) -> Result<TcpStream, DialError> {
        let peer = peer(host, port);
        let addresses = deadline
            .within(Phase::Resolve, &peer, resolve(host, port))
            .await?;
        let addresses = interleave(self.usable(addresses));
        let race = async {
            race(addresses, |address| self.connect_to(address))
                .await
                .map_err(|attempts| DialError::Connect {
                    host: bracketed(host),
                    port,
                    attempts,
                })
        };
        deadline.within(Phase::Connect, &peer, race).await
    }

    /// Leaves out addresses of a family that the local address is not of.
    fn usable(self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        if let Some(local) = self.local_address {
            addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
        }
        addresses
    }

    async fn connect_to(self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(local) = self.local_address {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        socket.set_nodelay(!self.delay)?;
        socket.connect(address).await
    }
}

/// Connects to a Unix socket.
#[cfg(unix)]
pub(crate) async fn connect_unix(
    path: &std::path::Path,
    deadline: Deadline,
) -> Result<Transport, DialError> {
    let connect = async {
        tokio::net::UnixStream::connect(path)
            .await
            .map_err(|source| DialError::ConnectUnix {
                path: path.into(),
                source,
            })
    };
    let peer = path.display().to_string();
    let stream = deadline.within(Phase::Connect, &peer, connect).await?;
    Ok(stream.into())
}

/// Connects to a Unix socket.
#[cfg(not(unix))]
pub(crate) async fn connect_unix(
    path: &std::path::Path,
    _deadline: Deadline,
) -> Result<Transport, DialError> {
    Err(DialError::ConnectUnix {
        path: path.into(),
        source: io::ErrorKind::Unsupported.into(),
    })
}

/// The addresses of a host, in the resolver's order.
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
    let not_found = |source| DialError::Resolve {
        host: host.into(),
        source,
    };
    let addresses = lookup_host((host, port)).await.map_err(not_found)?;
    let addresses: Vec<_> = addresses.take(MAX_ADDRESSES).collect();
    if addresses.is_empty() {
        let reason = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return Err(not_found(reason));
    }
    Ok(addresses)
}

/// A host with its port, for people.
pub(crate) fn peer(host: &str, port: u16) -> String {
    format!("{}:{port}", bracketed(host))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.into()
    }
}

/// Puts the families alternately, beginning with that of the first address (RFC 8305 §4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let len = addresses.len();
    let first_is_ipv4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) =
        (addresses.into_iter()).partition(|address| address.is_ipv4() == first_is_ipv4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut sorted = Vec::with_capacity(len);
    while sorted.len() < len {
        sorted.extend(first.next());
        sorted.extend(second.next());
    }
    sorted
}

/// Connects to the addresses in their order, the next one when the last has failed or is slow, until one succeeds
/// ([RFC 8305 §5](https://www.rfc-editor.org/rfc/rfc8305#section-5)).
async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, Vec<ConnectAttempt>>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut running: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    let mut failed = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            running.push((address, Box::pin(connect(address))));
        } else if running.is_empty() {
            return Err(failed);
        }
        let first = poll_fn(|cx| {
            for (index, (_, attempt)) in running.iter_mut().enumerate() {
                if let Poll::Ready(outcome) = attempt.as_mut().poll(cx) {
                    return Poll::Ready((index, outcome));
                }
            }
            Poll::Pending
        });
        let finished = if waiting.len() == 0 {
            Some(first.await)
        } else {
            timeout(STAGGER, first).await.ok()
        };
        match finished {
            None => {}
            Some((_, Ok(stream))) => return Ok(stream),
            Some((index, Err(error))) => {
                let (address, _) = running.remove(index);
                failed.push(ConnectAttempt { address, error });
            }
        }
    }
}

/// RFC 8305 §8: the recommended Connection Attempt Delay.
const STAGGER: Duration = Duration::from_millis(250);

/// A name may have any number of addresses; at 250 ms each, no more are of use.
const MAX_ADDRESSES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "192.0.2.1:80";
    const B: &str = "192.0.2.2:80";
    const C: &str = "[2001:db8::1]:80";
    const D: &str = "[2001:db8::2]:80";

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// What each address does after how many milliseconds. The winner and the time, or the losers.
    async fn race_of(plan: &[(&str, u64, bool)]) -> (Result<String, Vec<String>>, u64) {
        let start = Instant::now();
        let list: Vec<_> = plan.iter().map(|(address, ..)| *address).collect();
        let outcome = race(addresses(&list), |address| async move {
            let (_, delay, succeeds) = plan
                .iter()
                .find(|(text, ..)| *text == address.to_string())
                .unwrap();
            tokio::time::sleep(Duration::from_millis(*delay)).await;
            if *succeeds {
                Ok(address.to_string())
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        })
        .await;
        let losers = |attempts: Vec<ConnectAttempt>| {
            attempts
                .iter()
                .map(|attempt| attempt.address.to_string())
                .collect()
        };
        let passed = u64::try_from(start.elapsed().as_millis()).unwrap();
        (outcome.map_err(losers), passed)
    }

    #[test]
    fn families_alternate_from_that_of_the_first() {
        assert_eq!(
            interleave(addresses(&[C, D, A, B])),
            addresses(&[C, A, D, B])
        );
        assert_eq!(interleave(addresses(&[A, B, C])), addresses(&[A, C, B]));
        assert_eq!(interleave(addresses(&[A, B])), addresses(&[A, B]));
        assert_eq!(interleave(Vec::new()), Vec::new());
    }

    #[tokio::test(start_paused = true)]
    async fn slow_address_gives_the_next_a_start_after_250_ms() {
        let plan = [(A, 10_000, true), (C, 100, true)];
        assert_eq!(race_of(&plan).await, (Ok(C.into()), 350));
    }

    #[tokio::test(start_paused = true)]
    async fn failed_address_gives_the_next_a_start_at_once() {
        let plan = [(A, 10, false), (C, 20, true), (B, 0, true)];
        assert_eq!(race_of(&plan).await, (Ok(C.into()), 30));
    }

    #[tokio::test(start_paused = true)]
    async fn first_address_may_still_win_after_others_began() {
        let plan = [(A, 300, true), (C, 10_000, true), (B, 0, true)];
        assert_eq!(race_of(&plan).await, (Ok(A.into()), 300));
    }

    #[tokio::test(start_paused = true)]
    async fn all_failures_are_kept() {
        let plan = [(A, 400, false), (C, 10, false), (B, 500, false)];
        let failed = vec![C.into(), A.into(), B.into()];
        assert_eq!(race_of(&plan).await, (Err(failed), 760));
        assert_eq!(race_of(&[]).await, (Err(Vec::new()), 0));
    }

    #[tokio::test]
    async fn closed_address_is_passed_over_for_one_that_answers() {
        let bind = || tokio::net::TcpListener::bind("127.0.0.1:0");
        let closed = bind().await.unwrap().local_addr().unwrap();
        let listener = bind().await.unwrap();
        let open = listener.local_addr().unwrap();
        let options = TcpOptions::default();
        let stream = race(vec![closed, open], |address| options.connect_to(address)).await;
        assert_eq!(stream.unwrap().peer_addr().unwrap(), open);
    }

    #[test]
    fn local_address_chooses_the_family() {
        let options = TcpOptions {
            local_address: Some([127, 0, 0, 1].into()),
            delay: false,
        };
        assert_eq!(options.usable(addresses(&[C, A, D])), addresses(&[A]));
        let options = TcpOptions::default();
        assert_eq!(options.usable(addresses(&[C, A])), addresses(&[C, A]));
    }
}
