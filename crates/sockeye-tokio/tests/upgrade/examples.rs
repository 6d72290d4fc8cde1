//! The examples do what they say.

use std::{future::Future, io};

use sockeye_tokio::{CloseCode, Message};
use tokio::net::TcpListener;

use crate::common::{dial, listen, within};

#[path = "../../examples/axum.rs"]
#[allow(dead_code, reason = "its main")]
mod axum;
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
