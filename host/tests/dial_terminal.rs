//! `sockeye dial` on a terminal: prompt, history, commands, colours.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod dial_support;

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Instant,
};

use dial_support::{Conn, Directory, PATIENCE, Peer, dial};
use nix::pty::{Winsize, openpty};

/// The client on a terminal of its own.
struct Screen {
    child: Child,
    keyboard: File,
    pieces: Receiver<Vec<u8>>,
    /// What has been shown since the last thing that was waited for.
    shown: String,
    /// All of it.
    all: String,
    directory: Directory,
}

impl Screen {
    fn new(arguments: &[&str]) -> Self {
        Self::with(Directory::new(), arguments, false)
    }

    fn with(directory: Directory, arguments: &[&str], color: bool) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).expect("there are terminals");
        let end = || Stdio::from(pty.slave.try_clone().expect("it can be shared"));
        let mut command = dial(arguments);
        command
            .env("XDG_STATE_HOME", directory.file("state"))
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end());
        if !color {
            command.env("NO_COLOR", "1");
        }
        let child = command.spawn().expect("it can be run");
        // The child must be the last to hold it, so that reading ends.
        drop(command);
        drop(pty.slave);
        let keyboard = File::from(pty.master);
        let mut screen = keyboard.try_clone().expect("it can be shared");
        let (sender, pieces) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose last process has gone gives an error.
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard,
            pieces,
            shown: String::new(),
            all: String::new(),
            directory,
        }
    }

    fn types(&mut self, text: &str) {
        self.keyboard
            .write_all(text.as_bytes())
            .expect("it is open");
    }

    /// Waits until this is shown.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        let start = Instant::now();
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => {
                    let piece = String::from_utf8_lossy(&piece).into_owned();
                    self.shown.push_str(&piece);
                    self.all.push_str(&piece);
                }
                Err(_) => panic!("{text:?} is not shown, but {:?}", self.all),
            }
        }
    }

    /// Waits until this is shown, and the prompt again: control keys mean something else in between.
    #[track_caller]
    fn shows_above_the_prompt(&mut self, text: &str) {
        self.shows(text);
        self.shows("> ");
    }

    /// Waits for the end; returns the exit status, all that was shown, and the directory of its state.
    fn ends(mut self) -> (Option<i32>, String, Directory) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it does not end: {:?}", self.all);
            }
            thread::sleep(std::time::Duration::from_millis(5));
        };
        while let Ok(piece) = self.pieces.recv_timeout(PATIENCE) {
            self.all.push_str(&String::from_utf8_lossy(&piece));
        }
        (status.code(), self.all, self.directory)
    }
}

#[test]
fn lines_are_sent_and_messages_shown_at_the_prompt() {
    let peer = Peer::open(|mut conn| conn.echo());
    let mut screen = Screen::new(&[&peer.url()]);
    screen.shows_above_the_prompt(&format!("connected to {}", peer.url()));
    screen.types("hello\r");
    screen.shows_above_the_prompt("< hello");
    // Ctrl-D.
    screen.types("\x04");
    screen.shows("closed with 1000");
    let (status, ..) = screen.ends();
    assert_eq!(status, Some(0));
    peer.join();
}

#[test]
fn history_comes_back_in_the_next_run() {
    let peer = Peer::new(2, |_, mut conn: Conn| {
        conn.accept("");
        conn.echo();
    });
    let mut screen = Screen::new(&[&peer.url()]);
    screen.shows("> ");
    screen.types("one\r");
    screen.shows_above_the_prompt("< one");
    screen.types("two\r");
    screen.shows_above_the_prompt("< two");
    // Arrow up, twice.
    screen.types("\x1b[A\x1b[A\r");
    screen.shows_above_the_prompt("< one");
    screen.types("/quit\r");
    let (status, _, directory) = screen.ends();
    assert_eq!(status, Some(0));
    let mut screen = Screen::with(directory, &[&peer.url()], false);
    screen.shows("> ");
    // `/quit`, then what came before it.
    screen.types("\x1b[A\x1b[A\r");
    screen.shows_above_the_prompt("< one");
    screen.types("/quit\r");
    assert_eq!(screen.ends().0, Some(0));
    peer.join();
}

#[test]
fn commands_do_what_they_say() {
    let peer = Peer::open(|mut conn| {
        let (first, payload) = conn.next();
        assert_eq!((first, payload.as_slice()), (0x89, &b"hey you"[..]));
        conn.frame(0x8a, &payload);
        assert_eq!(conn.next(), (0x8a, b"x".to_vec()));
        assert_eq!(conn.next(), (0x82, b"Hello".to_vec()));
        assert_eq!(conn.next(), (0x81, b"/text".to_vec()));
        assert_eq!(conn.next(), (0x81, b"@text".to_vec()));
        assert_eq!(conn.next(), (0x81, b"from a file\n".to_vec()));
        assert_eq!(conn.next(), (0x81, b"from a file\n".to_vec()));
        let mut close = 4000_u16.to_be_bytes().to_vec();
        close.extend(b"see you");
        assert_eq!(conn.next(), (0x88, close.clone()));
        conn.frame(0x88, &close);
        conn.end();
    });
    let directory = Directory::new();
    let file = directory.write("file", "from a file\n");
    let mut screen = Screen::with(directory, &[&peer.url()], false);
    screen.shows("> ");
    screen.types("/help\r");
    screen.shows("/file PATH");
    screen.types("/nothing\r");
    screen.shows("there is no command /nothing: try /help");
    screen.types("/ping hey you\r");
    screen.shows("ping ");
    screen.shows(" ms");
    screen.types("/pong x\r/binary 48 65 6c 6c 6f\r//text\r@@text\r");
    screen.types(&format!("/file {file}\r@{file}\r"));
    screen.types("/close 4000 see you\r");
    screen.shows("closed with 4000 (see you)");
    assert_eq!(screen.ends().0, Some(0));
    peer.join();
}

#[test]
fn ctrl_c_clears_the_line_then_closes() {
    let peer = Peer::open(|mut conn| conn.answer_close(1000));
    let mut screen = Screen::new(&[&peer.url()]);
    screen.shows_above_the_prompt("connected to ");
    screen.types("unfinished");
    screen.shows("unfinished");
    screen.types("\x03");
    screen.shows_above_the_prompt("Ctrl-C again closes the connection");
    screen.types("\x03");
    assert_eq!(screen.ends().0, Some(130));
    peer.join();
}

#[test]
fn messages_cannot_play_with_the_terminal() {
    let peer = Peer::open(|mut conn| {
        conn.frame(0x81, b"\x1b]0;title\x07\x1b[2J");
        conn.frame(0x82, b"Hi\x00");
        conn.close(1000, "\x1b[1mbye");
        assert_eq!(conn.next().0, 0x88);
        conn.end();
    });
    let screen = Screen::with(Directory::new(), &[&peer.url()], true);
    let (status, all, _) = screen.ends();
    peer.join();
    assert_eq!(status, Some(0));
    assert!(
        all.contains("\x1b[32m< \x1b[0m\\u{1b}]0;title\\u{7}\\u{1b}[2J"),
        "{all:?}"
    );
    assert!(all.contains("3 bytes\r\n00000000  48 69 00"), "{all:?}");
    assert!(all.contains("closed with 1000 (\\u{1b}[1mbye)"), "{all:?}");
    assert!(
        !all.contains("\x1b]0;") && !all.contains("\x1b[2J"),
        "{all:?}"
    );
}

#[test]
fn lines_typed_without_a_connection_are_kept() {
    let (let_go, gate) = channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let peer = Peer::new(1, move |_, mut conn| {
        gate.lock()
            .expect("nobody panicked")
            .recv_timeout(PATIENCE)
            .expect("the line has been typed");
        conn.accept("");
        assert_eq!(conn.next(), (0x81, b"early".to_vec()));
        conn.close(1000, "");
        assert_eq!(conn.next().0, 0x88);
        conn.end();
    });
    let mut screen = Screen::new(&[&peer.url()]);
    screen.shows("> ");
    screen.types("early\r/help\r");
    screen.shows("/file PATH");
    let_go.send(()).expect("the peer waits");
    screen.shows("closed with 1000");
    assert_eq!(screen.ends().0, Some(0));
    peer.join();
}
