//! The page of `sockeye serve chat`: people who chat in browsers.

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    Failure, Mode, Outcome,
    devtools::{Browser, Page},
    peer::{first_line, serve},
};

/// Two who are in a room both see all that is said there, in the same order.
pub(crate) async fn two_browsers(mode: Mode) -> Outcome {
    let server = Server::start("127.0.0.1:0", mode).await?;
    let mut browser = Browser::start(if mode.tls {
        "chat-tls"
    } else {
        "chat-two-browsers"
    })
    .await?;
    let ann = enter(&mut browser, &server, "tea").await?;
    let ben = enter(&mut browser, &server, "tea").await?;
    introduce(&mut browser, &ann, "Ann").await?;
    say(&mut browser, &ann, "Tea is ready").await?;
    let mut log = vec!["* Ann comes in", "Ann: Tea is ready"];
    for page in [&ann, &ben] {
        browser.wait(page, LOG, &json!(log)).await?;
    }
    introduce(&mut browser, &ben, "Ben").await?;
    say(&mut browser, &ben, "On my way").await?;
    log.extend(["* Ben comes in", "Ben: On my way"]);
    for page in [&ann, &ben] {
        browser.wait(page, LOG, &json!(log)).await?;
    }
    // Nobody waits for the other.
    for number in 0..5 {
        say(&mut browser, &ann, &format!("{number} sugars")).await?;
        say(&mut browser, &ben, &format!("{number} biscuits")).await?;
    }
    let length = json!(log.len() + 10);
    let mut seen = Vec::new();
    for page in [&ann, &ben] {
        browser.wait(page, LENGTH, &length).await?;
        seen.push(browser.evaluate(page, LOG).await?);
    }
    assert_eq!(seen[0], seen[1], "the order");
    for (who, what) in [("Ann", "sugars"), ("Ben", "biscuits")] {
        let wanted: Vec<_> = (0..5)
            .map(|number| format!("{who}: {number} {what}"))
            .collect();
        let said = seen[0].as_array().ok_or("no list")?.iter();
        let said: Vec<_> = said
            .filter_map(Value::as_str)
            .filter(|line| line.ends_with(what))
            .collect();
        assert_eq!(said, wanted);
    }
    assert_eq!(browser.complaints(), [""; 0]);
    browser.end().await
}

/// What is said in one room is not heard in another.
pub(crate) async fn two_rooms() -> Outcome {
    let server = Server::start("127.0.0.1:0", PLAIN).await?;
    let mut browser = Browser::start("chat-two-rooms").await?;
    let ann = enter(&mut browser, &server, "tea").await?;
    let ben = enter(&mut browser, &server, "coffee").await?;
    introduce(&mut browser, &ann, "Ann").await?;
    say(&mut browser, &ann, "Coffee is bitter").await?;
    let tea = ["* Ann comes in", "Ann: Coffee is bitter", "Ann: Still so"];
    browser.wait(&ann, LOG, &json!(tea[..2])).await?;
    // What came from the other room would be here before what he says now.
    introduce(&mut browser, &ben, "Ben").await?;
    say(&mut browser, &ben, "Tea is water").await?;
    let coffee = ["* Ben comes in", "Ben: Tea is water"];
    browser.wait(&ben, LOG, &json!(coffee)).await?;
    say(&mut browser, &ann, "Still so").await?;
    browser.wait(&ann, LOG, &json!(tea)).await?;
    assert_eq!(browser.complaints(), [""; 0]);
    browser.end().await
}

/// A page whose server goes away says so, and is back by itself when the server is.
pub(crate) async fn restart() -> Outcome {
    let server = Server::start("127.0.0.1:0", PLAIN).await?;
    let mut browser = Browser::start("chat-restart").await?;
    let ann = enter(&mut browser, &server, "tea").await?;
    let ben = enter(&mut browser, &server, "tea").await?;
    introduce(&mut browser, &ann, "Ann").await?;
    introduce(&mut browser, &ben, "Ben").await?;
    say(&mut browser, &ann, "Before").await?;
    let mut said = vec!["Ann: Before"];
    for page in [&ann, &ben] {
        browser.wait(page, SAID, &json!(said)).await?;
    }
    assert_eq!(browser.complaints(), [""; 0]);

    let address = server.address.clone();
    server.stop().await?;
    let lost = json!(["closed", "Not connected, trying again in N s"]);
    for page in [&ann, &ben] {
        browser.wait(page, STATE, &lost).await?;
    }
    // It does not go, and is not lost.
    say(&mut browser, &ben, "After").await?;
    browser.wait(&ben, TEXT, &json!("After")).await?;
    browser.wait(&ben, SAID, &json!(said)).await?;

    let _server = Server::start(&address, PLAIN).await?;
    for page in [&ann, &ben] {
        browser.wait(page, STATE, &connected()).await?;
    }
    browser.enter(&ben).await?;
    browser.wait(&ben, TEXT, &json!("")).await?;
    said.push("Ben: After");
    for page in [&ann, &ben] {
        browser.wait(page, SAID, &json!(said)).await?;
    }
    // Of their own accord, browsers tell of connections that were refused.
    let refused = format!("WebSocket connection to 'ws://{address}/room/tea' failed: ");
    for complaint in browser.complaints() {
        assert!(complaint.starts_with(&refused), "{complaint}");
    }
    browser.end().await
}

/// What somebody says is text, whatever it looks like.
pub(crate) async fn markup() -> Outcome {
    const MARKUP: &str = "<img src=x onerror=\"document.title = 'taken over'\">";
    let server = Server::start("127.0.0.1:0", PLAIN).await?;
    let mut browser = Browser::start("chat-markup").await?;
    let ann = enter(&mut browser, &server, "tea").await?;
    let ben = enter(&mut browser, &server, "tea").await?;
    introduce(&mut browser, &ann, "<b>Ann</b>").await?;
    say(&mut browser, &ann, MARKUP).await?;
    let said = format!("<b>Ann</b>: {MARKUP}");
    for page in [&ann, &ben] {
        let log = json!(["* <b>Ann</b> comes in", said]);
        browser.wait(page, LOG, &log).await?;
        browser
            .wait(page, "document.title", &json!("tea – Chat"))
            .await?;
        let elements = "document.querySelectorAll('#messages :is(img, b)').length";
        assert_eq!(browser.evaluate(page, elements).await?, 0);
    }
    assert_eq!(browser.complaints(), [""; 0]);

    // Were it not text, there would be a complaint: the page's policy allows no such thing.
    let script = format!(
        "new Promise((done) => {{
            addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
            document.body.insertAdjacentHTML('beforeend', {});
        }})",
        json!(MARKUP)
    );
    browser.evaluate(&ben, &script).await?;
    browser
        .wait(&ben, "document.title", &json!("tea – Chat"))
        .await?;
    let complaints = browser.complaints();
    assert!(
        complaints
            .iter()
            .any(|complaint| complaint.contains("Content Security Policy")),
        "{complaints:?}"
    );
    browser.end().await
}

/// Opens the page of a room, and waits until it is connected.
async fn enter(browser: &mut Browser, server: &Server, room: &str) -> Result<Page, Failure> {
    let scheme = if server.mode.tls { "https" } else { "http" };
    let url = format!("{scheme}://{}/room/{room}", server.address);
    let page = browser.open(&url).await?;
    browser.wait(&page, STATE, &connected()).await?;
    Ok(page)
}

/// Types a name, which is what a new page asks for, and goes on to the message.
async fn introduce(browser: &mut Browser, page: &Page, name: &str) -> Outcome {
    browser.wait(page, FOCUS, &json!("name")).await?;
    browser.type_text(page, name).await?;
    browser.tab(page).await?;
    browser.wait(page, FOCUS, &json!("text")).await
}

/// Types a message, and sends it.
async fn say(browser: &mut Browser, page: &Page, text: &str) -> Outcome {
    browser.type_text(page, text).await?;
    browser.enter(page).await
}

fn connected() -> Value {
    json!(["open", "Connected"])
}

/// `sockeye serve chat`, killed when dropped.
struct Server {
    child: Child,
    /// Host and port.
    address: String,
    mode: Mode,
}

impl Server {
    async fn start(address: &str, mode: Mode) -> Result<Self, Failure> {
        let mut child = serve("chat", address, mode).spawn()?;
        let url = first_line(&mut child, "listening on ").await;
        let (scheme, address) = url.split_once("://").ok_or("no URL")?;
        assert_eq!(scheme, if mode.tls { "wss" } else { "ws" });
        Ok(Self {
            child,
            address: address.trim_end_matches('/').to_owned(),
            mode,
        })
    }

    /// Has it end as it does on a machine that is shut down.
    async fn stop(mut self) -> Outcome {
        let id = self.child.id().ok_or("it has ended before")?;
        let kill = format!("kill -TERM {id}");
        let kill = Command::new("sh").args(["-c", &kill]).status().await?;
        assert!(kill.success(), "SIGTERM is sent");
        let status = self.child.wait().await?;
        assert!(status.success(), "{status}");
        Ok(())
    }
}

const PLAIN: Mode = Mode::new(false, false);

/// What the page says about its connection.
const STATE: &str = "(() => {
    const state = document.getElementById('state');
    return [state?.dataset.state, state?.textContent.replace(/\\d+/, 'N')];
})()";
/// What stands in the list of messages.
const LOG: &str = "[...document.querySelectorAll('#messages > li')].map((item) =>
    (item.className === 'notice' ? '* ' : '')
    + [...item.querySelectorAll('.name, .text')].map((part) => part.textContent).join(': '))";
/// The same without who came and went.
const SAID: &str = "[...document.querySelectorAll('#messages > li:not(.notice)')].map((item) =>
    [...item.querySelectorAll('.name, .text')].map((part) => part.textContent).join(': '))";
const LENGTH: &str = "document.getElementById('messages').childElementCount";
/// The message that is being written.
const TEXT: &str = "document.getElementById('text').value";
/// Where keys go.
const FOCUS: &str = "document.activeElement?.id";
