//! WebSocket with peers that others have made, in both directions, with and without TLS and compression.
//!
//! `cargo xtask test --only interop` sets the peers up and runs these tests; README.md says more.
#![allow(clippy::std_instead_of_core, missing_docs, reason = "tests")]

use std::{error, future::Future, net::SocketAddr, time::Duration};

use sockeye_tokio::{PerMessageDeflate, Role};
use tokio::time::timeout;

use crate::{client::Case, peer::Peer};

mod browser;
mod chat;
mod client;
mod devtools;
mod peer;
mod server;
mod tls;

/// What is below the messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    tls: bool,
    /// Whether the server compresses. Clients always offer to.
    deflate: bool,
}

impl Mode {
    const ALL: [Self; 4] = [
        Self::new(false, false),
        Self::new(false, true),
        Self::new(true, false),
        Self::new(true, true),
    ];
    /// For what takes long.
    const SOME: [Self; 2] = [Self::new(false, false), Self::new(true, true)];
    const PLAIN: [Self; 2] = [Self::new(false, false), Self::new(true, false)];
    const COMPRESSED: [Self; 1] = [Self::new(false, true)];

    const fn new(tls: bool, deflate: bool) -> Self {
        Self { tls, deflate }
    }

    fn url(self, address: SocketAddr) -> String {
        format!("{}://{address}", if self.tls { "wss" } else { "ws" })
    }

    fn deflate_of_server(self) -> Option<PerMessageDeflate> {
        self.deflate.then(|| PerMessageDeflate::new(Role::Server))
    }
}

/// The peer's client, our server.
async fn peer_dials(peer: Peer, group: &str, modes: &[Mode]) -> Outcome {
    for &mode in modes {
        let url = server::start(mode).await;
        bounded(peer.run_client(group, &url, mode)).await;
    }
    Ok(())
}

/// The peer's client, the component as server.
async fn peer_dials_component(peer: Peer, group: &str) -> Outcome {
    for mode in Mode::SOME {
        let server = bounded(peer::start_component(mode)).await;
        bounded(peer.run_client(group, &server.url, mode)).await;
    }
    Ok(())
}

/// The browser, our server.
async fn browser_dials(group: &str, modes: &[Mode]) -> Outcome {
    let mut servers = Vec::new();
    for &mode in modes {
        servers.push((server::start(mode).await, mode));
    }
    bounded(browser::run("native", group, &servers)).await;
    Ok(())
}

/// The browser, the component as server.
async fn browser_dials_component(group: &str) -> Outcome {
    let mut running = Vec::new();
    for mode in Mode::SOME {
        running.push((bounded(peer::start_component(mode)).await, mode));
    }
    let servers: Vec<_> = running
        .iter()
        .map(|(server, mode)| (server.url.clone(), *mode))
        .collect();
    bounded(browser::run("component", group, &servers)).await;
    Ok(())
}

/// Our client, the peer's server.
async fn we_dial(peer: Peer, group: &str, modes: &[Mode]) -> Outcome {
    for &mode in modes {
        let case = bounded(Case::new(peer, mode)).await?;
        let outcome = bounded(case.run(group)).await;
        outcome.map_err(|error| format!("{mode:?}: {error}"))?;
    }
    Ok(())
}

/// A test that waits for a peer must end without it, too.
async fn bounded<T>(run: impl Future<Output = T>) -> T {
    timeout(PATIENCE, run)
        .await
        .expect("the peer comes to an end in time")
}

/// Why something failed.
type Failure = Box<dyn error::Error + Send + Sync>;

/// How a group of cases went: `Err`, or a panic with what was not as it should be.
type Outcome = Result<(), Failure>;

/// Makes a test of each group of cases.
macro_rules! groups {
    ($($name:ident => $run:expr;)+) => {
        $(
            #[tokio::test]
            async fn $name() -> Outcome {
                $run.await
            }
        )+
    };
}

mod ws_dials_us {
    use super::{Mode, Outcome, Peer::Ws, peer_dials};

    groups! {
        sizes => peer_dials(Ws, "sizes", &Mode::ALL);
        sizes_of_16_mib => peer_dials(Ws, "large", &Mode::SOME);
        order_of_small_messages => peer_dials(Ws, "order", &Mode::ALL);
        many_connections => peer_dials(Ws, "burst", &Mode::SOME);
        received_fragments => peer_dials(Ws, "fragments", &Mode::ALL);
        sent_fragments => peer_dials(Ws, "sent_fragments", &Mode::ALL);
        received_pings => peer_dials(Ws, "pings", &Mode::ALL);
        sent_pings => peer_dials(Ws, "sent_pings", &Mode::ALL);
        closing_by_the_client => peer_dials(Ws, "client_closes", &Mode::ALL);
        closing_by_the_server => peer_dials(Ws, "server_closes", &Mode::ALL);
        subprotocols => peer_dials(Ws, "subprotocols", &Mode::SOME);
        refusal => peer_dials(Ws, "refusal", &Mode::SOME);
        parameters_of_compression => peer_dials(Ws, "parameters", &Mode::COMPRESSED);
    }
}

mod undici_dials_us {
    use super::{Mode, Outcome, Peer::Undici, peer_dials};

    groups! {
        sizes => peer_dials(Undici, "sizes", &Mode::ALL);
        // It takes no more than 4 MiB after inflation.
        sizes_of_16_mib => peer_dials(Undici, "large", &Mode::PLAIN);
        order_of_small_messages => peer_dials(Undici, "order", &Mode::ALL);
        many_connections => peer_dials(Undici, "burst", &Mode::SOME);
        received_fragments => peer_dials(Undici, "fragments", &Mode::ALL);
        received_pings => peer_dials(Undici, "pings", &Mode::ALL);
        closing_by_the_client => peer_dials(Undici, "client_closes", &Mode::ALL);
        closing_by_the_server => peer_dials(Undici, "server_closes", &Mode::ALL);
        subprotocols => peer_dials(Undici, "subprotocols", &Mode::SOME);
        refusal => peer_dials(Undici, "refusal", &Mode::SOME);
    }
}

mod python_dials_us {
    use super::{Mode, Outcome, Peer::Python, peer_dials};

    groups! {
        sizes => peer_dials(Python, "sizes", &Mode::ALL);
        sizes_of_16_mib => peer_dials(Python, "large", &Mode::SOME);
        order_of_small_messages => peer_dials(Python, "order", &Mode::ALL);
        received_fragments => peer_dials(Python, "fragments", &Mode::ALL);
        sent_fragments => peer_dials(Python, "sent_fragments", &Mode::ALL);
        received_pings => peer_dials(Python, "pings", &Mode::ALL);
        sent_pings => peer_dials(Python, "sent_pings", &Mode::ALL);
        closing_by_the_client => peer_dials(Python, "client_closes", &Mode::ALL);
        closing_by_the_server => peer_dials(Python, "server_closes", &Mode::ALL);
        subprotocols => peer_dials(Python, "subprotocols", &Mode::SOME);
        parameters_of_compression => peer_dials(Python, "parameters", &Mode::COMPRESSED);
    }
}

mod chromium_dials_us {
    use super::{Mode, Outcome, browser_dials};

    groups! {
        sizes => browser_dials("sizes", &Mode::ALL);
        sizes_of_16_mib => browser_dials("large", &Mode::SOME);
        order_of_small_messages => browser_dials("order", &Mode::ALL);
        many_connections => browser_dials("burst", &Mode::SOME);
        received_fragments => browser_dials("fragments", &Mode::ALL);
        received_pings => browser_dials("pings", &Mode::ALL);
        closing_by_the_client => browser_dials("client_closes", &Mode::ALL);
        closing_by_the_server => browser_dials("server_closes", &Mode::ALL);
        closing_by_navigation => browser_dials("navigation", &Mode::ALL);
        subprotocols => browser_dials("subprotocols", &Mode::SOME);
        refusal => browser_dials("refusal", &Mode::SOME);
    }
}

mod we_dial_ws {
    use super::{Mode, Outcome, Peer::Ws, client::parameters, we_dial};
    use serde_json::json;

    /// What ws calls the parameters of RFC 7692.
    const NAMES: [&str; 4] = [
        "serverNoContextTakeover",
        "clientNoContextTakeover",
        "serverMaxWindowBits",
        "clientMaxWindowBits",
    ];

    groups! {
        sizes => we_dial(Ws, "sizes", &Mode::ALL);
        sizes_of_16_mib => we_dial(Ws, "large", &Mode::SOME);
        order_of_small_messages => we_dial(Ws, "order", &Mode::ALL);
        received_fragments => we_dial(Ws, "fragments", &Mode::ALL);
        sent_fragments => we_dial(Ws, "sent_fragments", &Mode::ALL);
        received_pings => we_dial(Ws, "pings", &Mode::ALL);
        sent_pings => we_dial(Ws, "sent_pings", &Mode::ALL);
        closing_by_the_client => we_dial(Ws, "client_closes", &Mode::ALL);
        closing_by_the_server => we_dial(Ws, "server_closes", &Mode::ALL);
        subprotocols => we_dial(Ws, "subprotocols", &Mode::SOME);
        parameters_of_compression => parameters(Ws, NAMES, &json!({ "threshold": 0 }));
    }
}

mod we_dial_python {
    use super::{Mode, Outcome, Peer::Python, client::parameters, we_dial};
    use serde_json::json;

    /// What websockets calls the parameters of RFC 7692.
    const NAMES: [&str; 4] = [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
    ];

    groups! {
        sizes => we_dial(Python, "sizes", &Mode::ALL);
        sizes_of_16_mib => we_dial(Python, "large", &Mode::SOME);
        order_of_small_messages => we_dial(Python, "order", &Mode::ALL);
        received_fragments => we_dial(Python, "fragments", &Mode::ALL);
        sent_fragments => we_dial(Python, "sent_fragments", &Mode::ALL);
        received_pings => we_dial(Python, "pings", &Mode::ALL);
        sent_pings => we_dial(Python, "sent_pings", &Mode::ALL);
        closing_by_the_client => we_dial(Python, "client_closes", &Mode::ALL);
        closing_by_the_server => we_dial(Python, "server_closes", &Mode::ALL);
        subprotocols => we_dial(Python, "subprotocols", &Mode::SOME);
        parameters_of_compression => parameters(Python, NAMES, &json!({}));
    }
}

/// The component only echoes, so that there is less to ask of it.
mod component {
    use super::{
        Outcome,
        Peer::{Python, Undici, Ws},
        browser_dials_component, peer_dials_component,
    };

    groups! {
        ws_sizes => peer_dials_component(Ws, "echo");
        ws_closing => peer_dials_component(Ws, "client_closes_unasked");
        ws_order_of_small_messages => peer_dials_component(Ws, "order");
        ws_sent_pings => peer_dials_component(Ws, "sent_pings");
        undici_sizes => peer_dials_component(Undici, "echo");
        undici_closing => peer_dials_component(Undici, "client_closes_unasked");
        undici_order_of_small_messages => peer_dials_component(Undici, "order");
        python_sizes => peer_dials_component(Python, "echo");
        python_closing => peer_dials_component(Python, "client_closes_unasked");
        python_order_of_small_messages => peer_dials_component(Python, "order");
        python_sent_pings => peer_dials_component(Python, "sent_pings");
        chromium_sizes => browser_dials_component("echo");
        chromium_closing => browser_dials_component("client_closes_unasked");
        chromium_order_of_small_messages => browser_dials_component("order");
    }
}

/// People in two browsers, and the page of `sockeye serve chat`.
mod chromium_chats {
    use super::{Mode, Outcome, bounded, chat};

    groups! {
        two_browsers_see_the_same => bounded(chat::two_browsers(Mode::new(false, false)));
        two_browsers_see_the_same_compressed_over_tls => bounded(chat::two_browsers(Mode::new(true, true)));
        rooms_are_apart => bounded(chat::two_rooms());
        page_reconnects_to_a_restarted_server => bounded(chat::restart());
        markup_is_shown_as_text => bounded(chat::markup());
    }
}

/// Messages as long as any that the cases have, and then some.
const SIZE_LIMIT: usize = 32 << 20;
/// How long one group of cases may take in one mode. They take seconds; a busy machine may need more.
const PATIENCE: Duration = Duration::from_secs(90);
