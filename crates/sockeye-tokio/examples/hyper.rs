//! Echoes messages beside plain HTTP, with hyper: `cargo run -p sockeye-tokio --example hyper --features hyper`, then connect to
//! ws://127.0.0.1:8080/ws.
#![allow(clippy::std_instead_of_core, reason = "tokio needs std")]

use std::{convert::Infallible, error::Error, io};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use sockeye_tokio::{Upgrade, Upgrader};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    serve(TcpListener::bind("127.0.0.1:8080").await?).await
}

/// Serves each client in a task of its own.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept().await?;
        let served = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(answer))
            .with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = served.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() != "/ws" {
        return Ok(Response::new("The WebSocket is at /ws.\n".into()));
    }
    let (response, upgrade) = match Upgrader::new().upgrade(&mut request) {
        Ok(upgraded) => upgraded,
        Err(refusal) => return Ok(refusal.response()),
    };
    tokio::spawn(async {
        if let Err(error) = echo(upgrade).await {
            eprintln!("{error}");
        }
    });
    Ok(response)
}

async fn echo(upgrade: Upgrade) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut conn = upgrade.await?;
    while let Some(message) = conn.next().await? {
        conn.send(message).await?;
    }
    Ok(())
}
