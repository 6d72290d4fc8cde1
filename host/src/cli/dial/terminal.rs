//! The prompt: a line editor with history in a thread of its own.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::mpsc as std_mpsc,
    thread,
};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::{Config, DefaultEditor, ExternalPrinter, error::ReadlineError};
use tokio::sync::mpsc;

use super::{
    input::{Input, Stop},
    line::{Order, Rules},
};

/// Prints above the prompt.
pub(super) type Printer = Box<dyn ExternalPrinter + Send>;

/// The state of the terminal before the prompt.
#[derive(Debug)]
pub(super) struct Terminal(Option<Termios>);

impl Terminal {
    /// Shows the prompt. What is typed goes into `inputs`, what Ctrl-C means into `stops`.
    ///
    /// # Errors
    ///
    /// The terminal cannot be used.
    pub(super) fn start(
        rules: Rules,
        inputs: mpsc::Sender<Input>,
        stops: mpsc::UnboundedSender<Stop>,
    ) -> io::Result<(Self, Printer)> {
        let terminal = Self(tcgetattr(io::stdin()).ok());
        let (sender, printer) = std_mpsc::channel();
        thread::Builder::new()
            .name("sockeye-prompt".into())
            .spawn(move || {
                // The editor is made here, because it stays on its thread.
                let mut editor = match editor() {
                    Ok(editor) => editor,
                    Err(error) => return drop(sender.send(Err(io::Error::other(error)))),
                };
                let printer = editor
                    .create_external_printer()
                    .map(|printer| Box::new(printer) as Printer)
                    .map_err(io::Error::other);
                let usable = printer.is_ok();
                if sender.send(printer).is_ok() && usable {
                    read(editor, rules, &inputs, &stops);
                }
            })?;
        let printer = printer
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the prompt failed")))?;
        Ok((terminal, printer))
    }

    /// Puts the terminal back, whatever the editor is doing, and clears the prompt.
    pub(super) fn restore(&self) {
        if let Some(state) = &self.0 {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, state);
            let mut out = io::stdout().lock();
            let _ = out.write_all(b"\r\x1b[K");
            let _ = out.flush();
        }
    }
}

/// Reads lines until there are no more.
fn read(
    mut editor: DefaultEditor,
    rules: Rules,
    inputs: &mpsc::Sender<Input>,
    stops: &mpsc::UnboundedSender<Stop>,
) {
    let history = history();
    if let Some(path) = &history {
        // There is none the first time.
        let _ = editor.load_history(path);
    }
    let mut interrupts = 0;
    loop {
        let input = match editor.readline("> ") {
            Ok(line) if line.is_empty() => continue,
            Ok(line) => {
                interrupts = 0;
                if editor.add_history_entry(&line).unwrap_or(false)
                    && let Some(path) = &history
                {
                    // The history is a convenience: a full disk must not end the conversation.
                    let _ = editor.append_history(path);
                }
                match rules.typed(&line) {
                    Ok(order) => Input::Order(order),
                    Err(problem) => Input::Wrong(problem),
                }
            }
            Err(ReadlineError::Interrupted) => {
                interrupts += 1;
                match interrupts {
                    1 => Input::Order(Order::Say("Ctrl-C again closes the connection".into())),
                    count => {
                        let stop = if count == 2 { Stop::Close } else { Stop::Now };
                        if stops.send(stop).is_err() {
                            return;
                        }
                        continue;
                    }
                }
            }
            Err(ReadlineError::Eof) => Input::Order(Order::Close(Some((1000, String::new())))),
            Err(ReadlineError::Signal(_)) => continue,
            Err(error) => Input::Failed(format!("cannot read from the terminal: {error}")),
        };
        let is_last = matches!(
            input,
            Input::Order(Order::Close(_)) | Input::Failed(_) | Input::End
        );
        if inputs.blocking_send(input).is_err() || is_last {
            return;
        }
    }
}

fn editor() -> rustyline::Result<DefaultEditor> {
    let config = Config::builder()
        .max_history_size(HISTORY)?
        .history_ignore_space(true)
        .auto_add_history(false)
        // It would stay switched on when the connection ends while the prompt is shown.
        .bracketed_paste(false)
        .build();
    DefaultEditor::with_config(config)
}

/// The history's file, in a directory that exists and is this user's (XDG Base Directory Specification).
fn history() -> Option<PathBuf> {
    let set = |name| env::var_os(name).map(PathBuf::from);
    let state = set("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(set("HOME")?.join(".local/state")))?;
    let directory = state.join("sockeye");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .ok()?;
    Some(directory.join("history"))
}

/// Lines that are remembered.
const HISTORY: usize = 1000;
