//! Ways through proxies. Each proxy here plays the server too, once it has been asked for the tunnel.

use sockeye_tokio::{Dialer, ProxyError, ProxyPolicy, SocksReply};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    peer::{accept, answer, closed_address, header, listen, read_head},
    tls::Authority,
};

/// What the error of a dial through this proxy is, and its text without the proxy's address.
async fn failure(url: &str) -> (ProxyError, String) {
    let dialer = Dialer::new().proxy(ProxyPolicy::url(url).unwrap());
    let error = dialer.dial("ws://server.test/").await.unwrap_err();
    let text = error.to_string();
    assert!(!format!("{text} {error:?}").contains("secret"));
    match error {
        sockeye_tokio::DialError::Proxy { proxy, source } => {
            let text = text.strip_prefix(&format!("the proxy {proxy} ")).unwrap();
            (source, text.to_owned())
        }
        other => panic!("{other:?}"),
    }
}

/// An HTTP proxy that answers so. Returns the request.
async fn http_proxy(response: &'static str) -> (String, JoinHandle<String>) {
    let (listener, address) = listen().await;
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, |_| response.into()).await
    });
    (address.to_string(), task)
}

/// A SOCKS proxy: takes the first bytes of each pair, and answers with the second ones.
async fn socks_proxy(script: Vec<(Vec<u8>, Vec<u8>)>) -> (String, JoinHandle<TcpStream>) {
    let (listener, address) = listen().await;
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (expected, answer) in script {
            let mut received = vec![0; expected.len()];
            stream.read_exact(&mut received).await.unwrap();
            assert_eq!(received, expected);
            stream.write_all(&answer).await.unwrap();
        }
        stream
    });
    (address.to_string(), task)
}

/// RFC 1928 §4: CONNECT to server.test, port 80.
fn connect_by_name() -> Vec<u8> {
    [&[5, 1, 0, 3, 11][..], b"server.test", &80_u16.to_be_bytes()].concat()
}

/// RFC 1928 §6: succeeded, bound to 0.0.0.0:0.
const SUCCEEDED: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

#[tokio::test]
async fn row_12_http_proxy_is_asked_for_a_tunnel_to_the_name() {
    let (listener, address) = listen().await;
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let response = "HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n";
        let tunnel = answer(&mut stream, |_| response.into()).await;
        (
            tunnel,
            answer(&mut stream, |request| accept(request, &[])).await,
        )
    });
    let url = format!("http://user:open%20sesame@{address}/");
    let dialer = Dialer::new().proxy(ProxyPolicy::url(&url).unwrap());
    let (conn, _) = dialer.dial("ws://u:p@server.test/chat").await.unwrap();
    assert_eq!(conn.peer_addr().unwrap(), address);
    let (tunnel, request) = proxy.await.unwrap();
    assert_eq!(
        tunnel,
        "CONNECT server.test:80 HTTP/1.1\r\nHost: server.test:80\r\n\
        Proxy-Authorization: Basic dXNlcjpvcGVuIHNlc2FtZQ==\r\n\r\n"
    );
    assert_eq!(header(&request, "Host"), Some("server.test"));
    assert_eq!(header(&request, "Proxy-Authorization"), None);
    assert_eq!(header(&request, "Authorization"), Some("Basic dTpw"));
}

#[tokio::test]
async fn row_12_environment_chooses_the_proxy() {
    let (address, proxy) = http_proxy("HTTP/1.1 403 x\r\n\r\n").await;
    let variables = [
        ("HTTPS_PROXY", format!("http://{address}")),
        ("HTTP_PROXY", "http://p.test".into()),
    ];
    let dialer = Dialer::new().proxy(ProxyPolicy::from_variables(variables));
    let error = dialer.dial("wss://[2001:db8::1]/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the proxy http://{address} refused the tunnel with status 403: its rules do not allow this server or port"
        )
    );
    assert_eq!(
        proxy.await.unwrap(),
        "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n"
    );
}

#[tokio::test]
async fn row_12_https_proxy_carries_tls_in_tls() {
    let authority = Authority::new();
    let (proxy_tls, server_tls) = (
        authority.acceptor("127.0.0.1"),
        authority.acceptor("server.test"),
    );
    let (listener, address) = listen().await;
    let proxy = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = proxy_tls.accept(stream).await.unwrap();
        let tunnel = answer(&mut stream, |_| "HTTP/1.1 200 x\r\n\r\n".into()).await;
        let mut stream = server_tls.accept(stream).await.unwrap();
        assert_eq!(stream.get_ref().1.server_name(), Some("server.test"));
        answer(&mut stream, |request| accept(request, &[])).await;
        tunnel
    });
    let dialer = Dialer::new()
        .tls_roots(authority.roots())
        .proxy(ProxyPolicy::url(&format!("https://{address}")).unwrap());
    let (conn, _) = dialer.dial("wss://server.test/").await.unwrap();
    assert_eq!(conn.peer_addr().unwrap(), address);
    assert!(proxy.await.unwrap().starts_with("CONNECT server.test:443 "));
}

#[tokio::test]
async fn row_12_certificate_of_an_https_proxy_is_checked() {
    let (authority, other) = (Authority::new(), Authority::named("Other"));
    let acceptor = other.acceptor("127.0.0.1");
    let (listener, address) = listen().await;
    let proxy = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.unwrap_err();
    });
    let dialer = Dialer::new()
        .tls_roots(authority.roots())
        .proxy(ProxyPolicy::url(&format!("https://{address}")).unwrap());
    let error = dialer.dial("wss://server.test/").await.unwrap_err();
    let start = format!(
        "the proxy https://{address} is not reachable: no TLS connection to 127.0.0.1: nobody who is trusted"
    );
    assert!(error.to_string().starts_with(&start), "{error}");
    proxy.await.unwrap();
}

#[tokio::test]
async fn refusals_of_http_proxies_say_what_to_do() {
    for (user, response, text) in [
        (
            "",
            "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n\r\n",
            "wants a user and a password: put user:password@ before the host in its URL",
        ),
        (
            "user:secret@",
            "HTTP/1.1 407 x\r\n\r\n",
            "does not accept this user and password",
        ),
        (
            "",
            "HTTP/1.0 502 x\r\n\r\n",
            "refused the tunnel with status 502: it could not reach the server",
        ),
        (
            "",
            "HTTP/1.1 405 x\r\n\r\n",
            "refused the tunnel with status 405: it does not support CONNECT",
        ),
        (
            "",
            "HTTP/1.1 200 x\r\n\r\nhello",
            "sent bytes of its own into the tunnel",
        ),
        (
            "",
            "SSH-2.0-OpenSSH\r\n",
            "does not answer as a proxy: are its scheme and port right?",
        ),
        (
            "",
            "HTTP/1.1 abc x\r\n\r\n",
            "does not answer as a proxy: are its scheme and port right?",
        ),
        ("", "HTTP/1.1 200 x\r\n", "ended the connection"),
    ] {
        let (address, proxy) = http_proxy(response).await;
        let (_, found) = failure(&format!("http://{user}{address}")).await;
        assert_eq!(found, text);
        proxy.await.unwrap();
    }
}

#[tokio::test]
async fn endless_head_of_a_proxy_is_cut_off() {
    for endless in [&b"A: b\r\n"[..], b"\r\nHTTP/1.1 103 x\r\n"] {
        let (listener, address) = listen().await;
        let proxy = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 100 x\r\n").await;
            while stream.write_all(&endless.repeat(100)).await.is_ok() {}
        });
        let (error, _) = failure(&format!("http://{address}")).await;
        assert!(matches!(
            error,
            ProxyError::ResponseTooLong { limit: 16_384 }
        ));
        proxy.await.unwrap();
    }
}

#[tokio::test]
async fn proxy_that_is_not_there_is_named() {
    let address = closed_address().await;
    let (error, text) = failure(&format!("socks5h://user:secret@{address}")).await;
    assert!(matches!(error, ProxyError::Unreachable(_)));
    assert_eq!(
        text,
        format!("is not reachable: nothing listens on {address}: is the server running?")
    );
}

#[tokio::test]
async fn row_12_socks_proxy_is_given_the_name() {
    let (address, proxy) = socks_proxy(vec![
        (vec![5, 1, 0], vec![5, 0]),
        (
            connect_by_name(),
            [&[5, 0, 0, 3, 3][..], b"abc\0\0"].concat(),
        ),
    ])
    .await;
    let dialer = Dialer::new().proxy(ProxyPolicy::url(&format!("socks5h://{address}")).unwrap());
    let serve = async {
        let mut stream = proxy.await.unwrap();
        answer(&mut stream, |request| accept(request, &[])).await
    };
    let (outcome, request) = tokio::join!(dialer.dial("ws://server.test/"), serve);
    assert!(outcome.is_ok());
    assert_eq!(header(&request, "Host"), Some("server.test"));
}

#[tokio::test]
async fn row_12_socks_proxy_is_shown_user_and_password() {
    let credentials = [&[1, 4][..], b"user", &[6], b"sec:et"].concat();
    let (address, proxy) = socks_proxy(vec![
        (vec![5, 2, 0, 2], vec![5, 2]),
        (credentials.clone(), vec![1, 0]),
        (connect_by_name(), SUCCEEDED.to_vec()),
    ])
    .await;
    let url = format!("socks5h://user:sec%3Aet@{address}");
    let dialer = Dialer::new().proxy(ProxyPolicy::url(&url).unwrap());
    let dialed = dialer.connect("ws://server.test/").await.unwrap();
    assert_eq!(dialed.transport.peer_addr().unwrap().to_string(), address);
    proxy.await.unwrap();

    let (address, proxy) = socks_proxy(vec![
        (vec![5, 2, 0, 2], vec![5, 2]),
        (credentials, vec![1, 1]),
    ])
    .await;
    let (_, text) = failure(&format!("socks5h://user:sec%3Aet@{address}")).await;
    assert_eq!(text, "does not accept this user and password");
    proxy.await.unwrap();
}

#[tokio::test]
async fn row_12_socks5_without_h_is_given_an_address() {
    // localhost has more than one address on some systems.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.unwrap();
        stream.write_all(&[5, 0]).await.unwrap();
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.unwrap();
        let mut rest = vec![0; if head[3] == 1 { 4 } else { 16 } + 2];
        stream.read_exact(&mut rest).await.unwrap();
        stream.write_all(&SUCCEEDED).await.unwrap();
        (head, rest)
    });
    let policy = ProxyPolicy::url(&format!("socks5://{address}")).unwrap();
    let dialer = Dialer::new().proxy(policy);
    assert!(dialer.connect("ws://localhost:8080/").await.is_ok());
    let (head, rest) = proxy.await.unwrap();
    let ipv4 = [&[127, 0, 0, 1][..], &8080_u16.to_be_bytes()].concat();
    let ipv6 = [&[0; 15][..], &[1], &8080_u16.to_be_bytes()].concat();
    match head {
        [5, 1, 0, 1] => assert_eq!(rest, ipv4),
        [5, 1, 0, 4] => assert_eq!(rest, ipv6),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn replies_of_socks_proxies_have_names() {
    use SocksReply as R;
    for (code, expected, text) in [
        (1, R::GeneralFailure, "refused: general failure"),
        (
            2,
            R::NotAllowed,
            "refused: its rules do not allow this server",
        ),
        (
            3,
            R::NetworkUnreachable,
            "refused: the server's network is unreachable",
        ),
        (
            4,
            R::HostUnreachable,
            "refused: the server is unreachable: is its name right?",
        ),
        (
            5,
            R::ConnectionRefused,
            "refused: the server refused the connection: is it running, on this port?",
        ),
        (6, R::TtlExpired, "refused: the time to live expired"),
        (
            7,
            R::CommandNotSupported,
            "refused: it does not support connecting",
        ),
        (
            8,
            R::AddressTypeNotSupported,
            "refused: it does not support such an address: socks5h:// gives it names, socks5:// addresses",
        ),
        (9, R::Unassigned(9), "refused: unknown reply 0x09"),
    ] {
        let (address, proxy) = socks_proxy(vec![
            (vec![5, 1, 0], vec![5, 0]),
            (connect_by_name(), vec![5, code, 0, 1]),
        ])
        .await;
        let (error, found) = failure(&format!("socks5h://{address}")).await;
        assert!(matches!(error, ProxyError::Socks(reply) if reply == expected));
        assert_eq!(found, text);
        proxy.await.unwrap();
    }
}

#[tokio::test]
async fn socks_proxies_that_break_the_protocol_are_found_out() {
    const NOT_A_PROXY: &str = "does not answer as a proxy: are its scheme and port right?";
    for (answer, text) in [
        (&b"HT"[..], NOT_A_PROXY),
        (&[4, 0], NOT_A_PROXY),
        // Wants a password that was not offered.
        (&[5, 2], NOT_A_PROXY),
        (&[5, 1], NOT_A_PROXY),
        (
            &[5, 0xff],
            "wants a user and a password: put user:password@ before the host in its URL",
        ),
        (&[5], "ended the connection"),
        (&[5, 0, 5, 0, 0, 2], NOT_A_PROXY),
        (&[5, 0, 4, 0, 0, 1], NOT_A_PROXY),
        (&[5, 0, 5, 0, 0, 1, 0], "ended the connection"),
    ] {
        let (listener, address) = listen().await;
        let proxy = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
            // Until the dialer gives up.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let (_, found) = failure(&format!("socks5h://{address}")).await;
        assert_eq!(found, text, "{answer:?}");
        proxy.await.unwrap();
    }
}

#[tokio::test]
async fn explicit_proxy_must_be_one_that_we_speak() {
    let error = ProxyPolicy::url("ftp://u:secret@p.test").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the proxy URL is not a proxy: its scheme is not http, https, socks5 or socks5h"
    );
    assert!(!format!("{error:?}").contains("secret"));
}
