//! A browser that is told what to do: Chromium without a window, over the DevTools protocol.

use std::{fs, path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use sockeye_tokio::{Conn, Dialer, ProxyPolicy};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Child,
};

use crate::{Failure, browser};

/// A running browser, killed when dropped.
pub(crate) struct Browser {
    conn: Conn,
    calls: u64,
    /// What the pages complained of since [`Self::complaints`] was last called.
    complaints: Vec<String>,
    child: Child,
    profile: PathBuf,
}

/// A page in a context of its own: it shares no storage with other pages.
pub(crate) struct Page {
    session: String,
}

impl Browser {
    /// Starts it, with a profile that no other test has.
    pub(crate) async fn start(profile: &str) -> Result<Self, Failure> {
        let profile = browser::fresh_profile(profile);
        let mut child = browser::command(&profile)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut log = BufReader::new(child.stderr.take().ok_or("no pipe")?).lines();
        let mut said = Vec::new();
        let url = loop {
            let Some(line) = log.next_line().await? else {
                return Err(format!("the browser ended: {}", said.join("\n")).into());
            };
            if let Some(url) = line.strip_prefix("DevTools listening on ") {
                break url.to_owned();
            }
            said.push(line);
        };
        // So that the browser never finds its output closed or full.
        tokio::spawn(async move {
            let mut rest = Vec::new();
            log.into_inner().read_to_end(&mut rest).await
        });
        let dialer = Dialer::new().proxy(ProxyPolicy::none());
        let (conn, _) = dialer.dial(&url).await?;
        Ok(Self {
            conn,
            calls: 0,
            complaints: Vec::new(),
            child,
            profile,
        })
    }

    /// Opens a URL in a new context.
    pub(crate) async fn open(&mut self, url: &str) -> Result<Page, Failure> {
        let context = self
            .call(None, "Target.createBrowserContext", json!({}))
            .await?;
        let blank =
            json!({ "url": "about:blank", "browserContextId": context["browserContextId"] });
        let target = self.call(None, "Target.createTarget", blank).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call(None, "Target.attachToTarget", attach).await?;
        let session = attached["sessionId"].as_str().ok_or("no session")?;
        let page = Page {
            session: session.to_owned(),
        };
        for (method, parameters) in [
            ("Log.enable", json!({})),
            ("Runtime.enable", json!({})),
            // Only one window at a time has the focus otherwise.
            (
                "Emulation.setFocusEmulationEnabled",
                json!({ "enabled": true }),
            ),
        ] {
            self.call(Some(&page), method, parameters).await?;
        }
        let navigation = self
            .call(Some(&page), "Page.navigate", json!({ "url": url }))
            .await?;
        match navigation.get("errorText") {
            Some(error) => Err(format!("{url} does not open: {error}").into()),
            None => Ok(page),
        }
    }

    /// Waits until a JavaScript expression has this value; fails with the value that it has instead for too long. It is looked at whenever the
    /// document changes.
    pub(crate) async fn wait(
        &mut self,
        page: &Page,
        expression: &str,
        wanted: &Value,
    ) -> Result<(), Failure> {
        let script = format!(
            "new Promise((done) => {{
                const now = () => {expression};
                const wanted = JSON.stringify({wanted});
                const look = () => JSON.stringify(now()) === wanted && done(now());
                new MutationObserver(look).observe(document, {{
                    attributes: true, characterData: true, childList: true, subtree: true,
                }});
                setTimeout(() => done(now()), {PATIENCE});
                look();
            }})"
        );
        let found = self.evaluate(page, &script).await?;
        if found == *wanted {
            Ok(())
        } else {
            Err(format!("{found}, not {wanted}, is the value of {expression}").into())
        }
    }

    /// The value of a JavaScript expression, or what its promise comes to.
    pub(crate) async fn evaluate(
        &mut self,
        page: &Page,
        expression: &str,
    ) -> Result<Value, Failure> {
        let parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self
            .call(Some(page), "Runtime.evaluate", parameters)
            .await?;
        match answer.get("exceptionDetails") {
            Some(exception) => Err(format!("{expression}: {exception}").into()),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Enters text where the focus is.
    pub(crate) async fn type_text(&mut self, page: &Page, text: &str) -> Result<(), Failure> {
        let text = json!({ "text": text });
        self.call(Some(page), "Input.insertText", text).await?;
        Ok(())
    }

    /// Presses Enter.
    pub(crate) async fn enter(&mut self, page: &Page) -> Result<(), Failure> {
        let key =
            json!({ "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
        self.press(page, key).await
    }

    /// Presses Tab: on to the next field.
    pub(crate) async fn tab(&mut self, page: &Page) -> Result<(), Failure> {
        let key = json!({ "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
        self.press(page, key).await
    }

    async fn press(&mut self, page: &Page, mut key: Value) -> Result<(), Failure> {
        for kind in ["keyDown", "keyUp"] {
            key["type"] = json!(kind);
            self.call(Some(page), "Input.dispatchKeyEvent", key.clone())
                .await?;
        }
        Ok(())
    }

    /// What the consoles of the pages were told since this was last asked: errors and warnings, also of policies, and exceptions.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        core::mem::take(&mut self.complaints)
    }

    /// Ends the browser.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        // Killed, it would leave processes that still write to the profile.
        self.call(None, "Browser.close", json!({})).await?;
        self.child.wait().await?;
        // Megabytes of no further use.
        drop(fs::remove_dir_all(&self.profile));
        Ok(())
    }

    /// Calls a method, of the browser or of a page, and waits for its answer. What else comes meanwhile is events.
    async fn call(
        &mut self,
        page: Option<&Page>,
        method: &str,
        parameters: Value,
    ) -> Result<Value, Failure> {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": parameters });
        if let Some(page) = page {
            call["sessionId"] = json!(page.session);
        }
        self.conn.send(call.to_string()).await?;
        loop {
            let message = self.conn.next().await?;
            let message = message.ok_or("the browser closed the connection")?;
            let mut message: Value = serde_json::from_slice(message.as_bytes())?;
            if message["id"] == self.calls {
                return match message.get("error") {
                    Some(error) => Err(format!("{method}: {error}").into()),
                    None => Ok(message["result"].take()),
                };
            }
            self.complaints.extend(complaint(&message));
        }
    }
}

/// What an event complains of, if it does.
fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    let is_bad = |level: &Value| level == "error" || level == "warning" || level == "assert";
    match event["method"].as_str()? {
        "Log.entryAdded" if is_bad(&parameters["entry"]["level"]) => {
            parameters["entry"]["text"].as_str().map(str::to_owned)
        }
        "Runtime.consoleAPICalled" if is_bad(&parameters["type"]) => {
            Some(parameters["args"].to_string())
        }
        "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
        _ => None,
    }
}

/// Milliseconds that a page is given. What it is given them for takes none; a busy machine may need some.
const PATIENCE: u32 = 25_000;
