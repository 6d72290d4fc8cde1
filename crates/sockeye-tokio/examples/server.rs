//! Echoes messages on a plain TCP port: `cargo run -p sockeye-tokio --example server`, then connect to ws://127.0.0.1:8080.
#![allow(clippy::std_instead_of_core, reason = "tokio needs std")]

use std::{error::Error, io};

use sockeye_tokio::Upgrader;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> io::Result<()> {
    serve(TcpListener::bind("127.0.0.1:8080").await?).await
}

/// Serves each client in a task of its own.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = echo(stream).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut conn = Upgrader::new().accept(stream).await?;
    while let Some(message) = conn.next().await? {
        conn.send(message).await?;
    }
    Ok(())
}
