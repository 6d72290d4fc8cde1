//! Echoes messages on a route of axum: `cargo run -p sockeye-tokio --example axum --features axum`, then connect to
//! ws://127.0.0.1:8080/ws.
#![allow(clippy::std_instead_of_core, reason = "tokio needs std")]

use std::io;

use axum::{
    Extension, Router,
    response::Response,
    routing::{any, get},
};
use sockeye_tokio::{Conn, Error, PerMessageDeflate, Role, Upgrader, WebSocketUpgrade};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    serve(TcpListener::bind("127.0.0.1:8080").await?).await
}

/// Serves all routes.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let app = Router::new()
        .route("/", get("The WebSocket is at /ws.\n"))
        .route("/ws", any(websocket))
        .layer(Extension(
            Upgrader::new().deflate(PerMessageDeflate::new(Role::Server)),
        ));
    axum::serve(listener, app).await
}

async fn websocket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |conn| {
        if let Err(error) = echo(conn).await {
            eprintln!("{error}");
        }
    })
}

async fn echo(mut conn: Conn) -> Result<(), Error> {
    while let Some(message) = conn.next().await? {
        conn.send(message).await?;
    }
    Ok(())
}
