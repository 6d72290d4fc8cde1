//! Printing, in a thread of its own: a slow reader of our output holds up neither Pongs nor Ctrl-C.

use std::{
    io::{self, BufWriter, Write},
    thread,
};

use sockeye_host::Message;
use tokio::sync::{
    mpsc::{self, OwnedPermit, Receiver, Sender, error::SendError},
    oneshot,
};

use super::{show::Style, terminal::Printer};

/// Something to be printed.
#[derive(Debug)]
pub(super) enum Item {
    Message(Message),
    /// A line about something else.
    Status(String),
}

/// Where things are printed, in order: messages to stdout, the rest to stderr, or all of it above the prompt.
#[derive(Debug)]
pub(super) struct Output {
    items: Sender<Item>,
    done: oneshot::Receiver<io::Result<()>>,
}

impl Output {
    /// Prints in this style, through the prompt's printer if there is one.
    pub(super) fn start(style: Style, printer: Option<Printer>) -> io::Result<Self> {
        let (items, receiver) = mpsc::channel(ITEMS);
        let (ended, done) = oneshot::channel();
        thread::Builder::new()
            .name("sockeye-output".into())
            .spawn(move || {
                let result = match printer {
                    Some(printer) => print_above(&style, receiver, printer),
                    None => print(&style, receiver),
                };
                // Whoever is not interested has gone.
                let _ = ended.send(result);
            })?;
        Ok(Self { items, done })
    }

    /// Waits for room for one item.
    pub(super) async fn reserve(&self) -> Result<OwnedPermit<Item>, SendError<()>> {
        self.items.clone().reserve_owned().await
    }

    /// Prints a line that is not a message.
    pub(super) async fn say(&self, text: impl Into<String>) {
        // That nobody reads is noticed elsewhere.
        let _ = self.items.send(Item::Status(text.into())).await;
    }

    /// Waits until nobody reads what we print.
    pub(super) async fn closed(&self) {
        self.items.closed().await;
    }

    /// Waits until everything has been printed. A reader who has gone is no error.
    pub(super) async fn finish(self) -> io::Result<()> {
        drop(self.items);
        match self.done.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

fn print(style: &Style, mut items: Receiver<Item>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    while let Some(item) = items.blocking_recv() {
        match item {
            Item::Message(message) => out.write_all(&style.message(&message))?,
            Item::Status(text) => {
                out.flush()?;
                // Without stderr there is nobody to be told.
                let _ = writeln!(io::stderr(), "{}", style.status(&text));
            }
        }
        if items.is_empty() {
            out.flush()?;
        }
    }
    out.flush()
}

fn print_above(style: &Style, mut items: Receiver<Item>, mut printer: Printer) -> io::Result<()> {
    while let Some(item) = items.blocking_recv() {
        let text = match item {
            Item::Message(message) => {
                String::from_utf8_lossy(&style.message(&message)).into_owned()
            }
            Item::Status(text) => format!("{}\n", style.status(&text)),
        };
        above(&mut printer, text)?;
    }
    // The printer hands over to the prompt and holds one text: when a second one has been taken, what came before has been printed.
    for _ in 0..2 {
        above(&mut printer, NOTHING.into())?;
    }
    Ok(())
}

fn above(printer: &mut Printer, text: String) -> io::Result<()> {
    if printer.print(text.clone()).is_ok() {
        return Ok(());
    }
    // The prompt is gone.
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Up a line and down again: the printer puts a line feed behind each text that lacks one.
const NOTHING: &str = "\x1b[A\n";

/// Items that wait to be printed.
const ITEMS: usize = 16;

const BUFFER: usize = 64 << 10;
