//! Says hello and prints what comes back: `cargo run -p sockeye-tokio --example client -- ws://127.0.0.1:8080`.
#![allow(clippy::std_instead_of_core, reason = "tokio needs std")]

use std::error::Error;

use sockeye_tokio::{CloseCode, Dialer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = std::env::args().nth(1);
    greet(url.as_deref().unwrap_or("ws://127.0.0.1:8080")).await
}

pub(crate) async fn greet(url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (mut conn, _response) = Dialer::new().dial(url).await?;
    conn.send("hello").await?;
    if let Some(message) = conn.next().await? {
        println!("{message:?}");
    }
    conn.close(CloseCode::NORMAL, "done").await?;
    Ok(())
}
