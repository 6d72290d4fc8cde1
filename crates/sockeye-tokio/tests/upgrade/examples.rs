//! The examples do what they say.

use std::{future::Future, io};

use sockeye_tokio::{CloseCode, Message};
use tokio::net::TcpListener;

use crate::common::{dial, listen, within};

#[path = "../../examples/axum.rs"]
#[allow(dead_code, reason = "its main")]
mod axum;
#[path = "../../examples/client.rs"]
#[allow(dead_code, reason = "its main")]
mod client;
#[path = "../../examples/hyper.rs"]
#[allow(dead_code, reason = "its main")]
mod hyper;
#[path = "../../examples/server.rs"]
#[allow(dead_code, reason = "its main")]
mod server;

async fn echoes<F>(serve: impl FnOnce(TcpListener) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener));
    let (mut conn, _) = dial(address, &[]).await.unwrap();
    conn.send("hello").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text("hello"))
    );
    let closed = within(conn.close(CloseCode::NORMAL, "")).await.unwrap();
    assert!(closed.clean);
}

#[tokio::test]
async fn row_40_raw_server_echoes() {
    echoes(server::serve).await;
}

#[tokio::test]
async fn row_40_hyper_server_echoes() {
    echoes(hyper::serve).await;
}

#[tokio::test]
async fn row_40_axum_server_echoes() {
    echoes(axum::serve).await;
}

#[tokio::test]
async fn row_18_client_greets_the_server() {
    let listener = listen().await;
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut conn = sockeye_tokio::Upgrader::new().accept(stream).await.unwrap();
        let message = conn.next().await.unwrap();
        conn.send(message.clone().unwrap()).await.unwrap();
        assert_eq!(conn.next().await.unwrap(), None);
        (message, conn.closed().map(|closed| closed.reason))
    });
    within(client::greet(&url)).await.unwrap();
    let (message, reason) = within(server).await.unwrap();
    assert_eq!(message, Some(Message::text("hello")));
    assert_eq!(reason.as_deref(), Some("done"));
}
