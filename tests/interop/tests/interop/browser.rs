//! A browser: Chromium without a window, and the page that it runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc,
};

use crate::{Mode, peer::set_up};

/// Runs a group of cases in the browser at each of these URLs, one after the other.
pub(crate) async fn run(server: &str, group: &str, servers: &[(String, Mode)]) {
    let (sender, mut verdicts) = mpsc::channel(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its number");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            // The browser sees to it when a page does not come.
            tokio::spawn(async move { serve(stream, sender).await });
        }
    });
    let runs: Vec<_> = servers
        .iter()
        .map(|(url, mode)| json!([group, url, mode.deflate]))
        .collect();
    let page = format!(
        "http://{address}/chromium/page.html?runs={}",
        json!(runs).to_string().replace('"', "%22")
    );
    let profile = fresh_profile(&format!("{server}-{group}"));
    let mut command = command(&profile);
    command.arg(page);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the browser starts");
    let mut log = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut said = Vec::new();
    let verdict = loop {
        tokio::select! {
            verdict = verdicts.recv() => break verdict.expect("the page's server runs"),
            line = log.next_line() => match line {
                Ok(Some(line)) => said.push(line),
                _ => break format!("the browser ended: {}", said.join("\n")),
            },
        }
    };
    child.kill().await.expect("the browser can be ended");
    // Megabytes of no further use; its last processes may still be writing there.
    drop(fs::remove_dir_all(&profile));
    assert_eq!(verdict, "ok", "{group}");
}

/// A folder for a profile of this name, without what a run before this one left.
pub(crate) fn fresh_profile(name: &str) -> PathBuf {
    let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{name}"));
    drop(fs::remove_dir_all(&profile));
    profile
}

/// How to start the browser.
pub(crate) fn command(profile: &Path) -> Command {
    let mut command = Command::new(set_up("SOCKEYE_CHROMIUM"));
    command
        .args(["--headless", "--disable-gpu", "--disable-dev-shm-usage"])
        // It does not start as root otherwise. The pages are our own.
        .arg("--no-sandbox")
        // It reads no file of authorities.
        .arg("--ignore-certificate-errors")
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--no-proxy-server"])
        .arg("--remote-debugging-port=0")
        .arg(format!("--user-data-dir={}", profile.display()));
    command
}

/// Serves a file of this folder, or takes a verdict.
async fn serve(mut stream: TcpStream, verdicts: mpsc::Sender<String>) -> std::io::Result<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let request = lines.next_line().await?.unwrap_or_default();
    while lines
        .next_line()
        .await?
        .is_some_and(|line| !line.is_empty())
    {}
    let target = request.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, kind, body) = match path {
        "/verdict" => {
            // The test may have ended.
            drop(verdicts.send(query.replace("%20", " ")).await);
            ("200 OK", "text/plain", Vec::new())
        }
        "/whatwg.mjs" | "/chromium/page.mjs" => ("200 OK", "text/javascript", file(path)),
        "/chromium/page.html" => ("200 OK", "text/html", file(path)),
        _ => ("404 Not Found", "text/plain", b"not here".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

fn file(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read(folder.join(&path[1..])).expect("a file of the page")
}
