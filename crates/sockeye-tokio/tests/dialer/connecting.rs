//! Byte streams to hosts and Unix sockets.

use std::{io, net::IpAddr};

use sockeye_tokio::{DialError, Dialer};
use tokio::net::TcpListener;

use crate::peer::{closed_address, header, listen, serve_one};

#[tokio::test]
async fn refused_connection_asks_whether_the_server_runs() {
    let address = closed_address().await;
    let error = Dialer::new()
        .dial(&format!("ws://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("nothing listens on {address}: is the server running?")
    );
    let DialError::Connect {
        host,
        port,
        attempts,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((host.as_str(), port), ("127.0.0.1", address.port()));
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].address, address);
    assert_eq!(attempts[0].error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn name_is_dialled_at_whichever_address_answers() {
    // Where localhost is [::1] too, that address is closed, and comes first.
    let (listener, address) = listen().await;
    let server = serve_one(listener, &[]);
    let url = format!("ws://localhost:{}/", address.port());
    let (conn, _) = Dialer::new().dial(&url).await.unwrap();
    assert_eq!(conn.peer_addr().unwrap(), address);
    let host = format!("localhost:{}", address.port());
    let (request, _) = server.await.unwrap();
    assert_eq!(header(&request, "Host"), Some(host.as_str()));
}

#[tokio::test]
async fn ipv6_address_is_dialled_in_brackets() {
    let listener = match TcpListener::bind("[::1]:0").await {
        Ok(listener) => listener,
        // Some containers have no IPv6.
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
            return;
        }
    };
    let address = listener.local_addr().unwrap();
    let server = serve_one(listener, &[]);
    let outcome = Dialer::new().dial(&format!("ws://{address}/")).await;
    assert_eq!(outcome.unwrap().0.peer_addr().unwrap(), address);
    let (request, _) = server.await.unwrap();
    assert_eq!(header(&request, "Host"), Some(address.to_string().as_str()));
}

#[tokio::test]
async fn name_without_an_address_is_named() {
    // RFC 1035 §2.3.4: a label has at most 63 bytes, so that no server is asked.
    let name = format!("{}.test", "a".repeat(64));
    let dialer = crate::peer::unproxied();
    let error = dialer.dial(&format!("ws://{name}/")).await.unwrap_err();
    assert!(
        matches!(&error, DialError::Resolve { host, .. } if *host == name),
        "{error:?}"
    );
    let text = error.to_string();
    let start = format!("the name {name} was not found: is it spelled right? (");
    assert!(text.starts_with(&start), "{text}");
}

#[tokio::test]
async fn local_address_is_where_connections_come_from() {
    let (listener, address) = listen().await;
    let server = serve_one(listener, &[]);
    let dialer = Dialer::new().local_address("127.0.0.1".parse::<IpAddr>().unwrap());
    let (conn, _) = dialer.dial(&format!("ws://{address}/")).await.unwrap();
    let (_, stream) = server.await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), conn.local_addr().unwrap());

    let dialer = Dialer::new().local_address("::1".parse::<IpAddr>().unwrap());
    let error = dialer.dial(&format!("ws://{address}/")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "could not connect to {address}: it has no address of the family of the local address"
        )
    );
}

#[tokio::test]
async fn small_writes_are_not_gathered_by_the_system() {
    let (listener, address) = listen().await;
    for (dialer, nodelay) in [(Dialer::new(), true), (Dialer::new().nodelay(false), false)] {
        let dialed = dialer.connect(&format!("ws://{address}/")).await.unwrap();
        let stream = dialed.transport.into_tcp().unwrap();
        assert_eq!(stream.nodelay().unwrap(), nodelay);
    }
    drop(listener);
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_are_dialled_by_path_and_by_url() {
    use crate::peer::{accept, answer};

    let directory = std::env::temp_dir().join(format!("sockeye-unix-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("a.sock");
    let missing = Dialer::new().dial_unix(&path, "ws://a.test/").await;
    assert_eq!(
        missing.unwrap_err().to_string(),
        format!(
            "there is no socket at {}: is the server running, and is that its path?",
            path.display()
        )
    );

    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(async move {
        let mut requests = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(answer(&mut stream, |request| accept(request, &[])).await);
        }
        requests
    });
    let outcome = Dialer::new().dial_unix(&path, "ws://a.test/x").await;
    assert!(outcome.is_ok());
    let url = format!("ws+unix:{}:/y?z", path.display());
    assert!(Dialer::new().dial(&url).await.is_ok());
    let requests = server.await.unwrap();
    assert!(requests[0].starts_with("GET /x HTTP/1.1\r\nHost: a.test\r\n"));
    assert!(requests[1].starts_with("GET /y?z HTTP/1.1\r\nHost: localhost\r\n"));

    let closed = Dialer::new().dial(&url).await.unwrap_err();
    assert_eq!(
        closed.to_string(),
        format!(
            "nothing listens on {}: is the server running?",
            path.display()
        )
    );
    std::fs::remove_dir_all(&directory).unwrap();
}
