//! What comes from stdin, read by a thread of its own.

use std::{
    io::{self, BufRead, Read},
    thread,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::{
    Form,
    line::{Order, Payload, Rules},
};

/// Something from stdin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Order(Order),
    /// A line was wrong, and is not sent.
    Wrong(String),
    /// There is no more.
    End,
    /// There can be no more.
    Failed(String),
}

/// What Ctrl-C asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Close the connection.
    Close,
    /// End at once.
    Now,
}

/// Reads a pipe or file until its end. Few messages wait in `inputs`, so that no more is read than the connection takes.
pub(super) fn start(rules: Rules, inputs: mpsc::Sender<Input>) -> io::Result<()> {
    thread::Builder::new()
        .name("sockeye-stdin".into())
        .spawn(move || {
            let last = read(rules, io::stdin().lock(), |input| {
                inputs.blocking_send(input).is_ok()
            });
            // Nobody may be there any more.
            let _ = inputs.blocking_send(last);
        })?;
    Ok(())
}

/// Makes messages of what comes while `take` wants them; returns how it ended.
fn read(rules: Rules, mut stdin: impl BufRead, mut take: impl FnMut(Input) -> bool) -> Input {
    let failed = |error: io::Error| Input::Failed(format!("cannot read stdin: {error}"));
    let longest = rules.max_message.saturating_add(2);
    let mut number = 0_u64;
    loop {
        let payload = if rules.binary == Some(Form::Raw) {
            let mut chunk = vec![0; CHUNK.min(usize::try_from(rules.max_message).unwrap_or(CHUNK))];
            match stdin.read(&mut chunk) {
                Ok(0) => return Input::End,
                Ok(count) => chunk.truncate(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return failed(error),
            }
            Payload::Binary(chunk)
        } else {
            number += 1;
            let mut line = Vec::new();
            match (&mut stdin).take(longest).read_until(b'\n', &mut line) {
                Ok(0) => return Input::End,
                Ok(_) => {}
                Err(error) => return failed(error),
            }
            if line.pop_if(|byte| *byte == b'\n').is_some() {
                line.pop_if(|byte| *byte == b'\r');
            } else if line.len() as u64 >= longest {
                return Input::Failed(format!("line {number} of stdin: {}", rules.too_long()));
            }
            match rules.message(&line) {
                Ok(payload) => payload,
                Err(problem) => {
                    return Input::Failed(format!("line {number} of stdin: {problem}"));
                }
            }
        };
        if !take(Input::Order(Order::Send(payload))) {
            return Input::End;
        }
    }
}

/// Ctrl-C where no prompt sees it, and SIGTERM.
pub(super) fn watch_signals(stops: mpsc::UnboundedSender<Stop>) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::task::spawn_local(async move {
        let mut stop = Stop::Close;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stops.send(stop).is_err() {
                return;
            }
            stop = Stop::Now;
        }
    });
    Ok(())
}

/// Most bytes in a message of raw input.
const CHUNK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(binary: Option<Form>, bytes: &[u8]) -> (Vec<Payload>, Input) {
        let rules = Rules {
            binary,
            max_message: 8,
        };
        let mut messages = Vec::new();
        let last = read(rules, bytes, |input| {
            if let Input::Order(Order::Send(payload)) = input {
                messages.push(payload);
            }
            true
        });
        (messages, last)
    }

    fn texts(texts: &[&str]) -> Vec<Payload> {
        texts
            .iter()
            .map(|&text| Payload::Text(text.into()))
            .collect()
    }

    #[test]
    fn lines_are_messages_word_for_word() {
        assert_eq!(
            inputs(None, b"a\r\n\n/quit\n@b\r\rc\n12345678\nend"),
            (
                texts(&["a", "", "/quit", "@b\r\rc", "12345678", "end"]),
                Input::End
            )
        );
        assert_eq!(inputs(None, b""), (vec![], Input::End));
    }

    #[test]
    fn lines_that_cannot_be_sent_end_it() {
        for (bytes, problem) in [
            (
                &b"a\n123456789\nb\n"[..],
                "line 2 of stdin: it is longer than 8 bytes: raise --max-message",
            ),
            (
                b"a\n123456789012345678901234567890",
                "line 2 of stdin: it is longer than 8 bytes: raise --max-message",
            ),
            (
                b"a\n\xff\n",
                "line 2 of stdin: it is not UTF-8: use --binary",
            ),
        ] {
            assert_eq!(
                inputs(None, bytes),
                (texts(&["a"]), Input::Failed(problem.into()))
            );
        }
    }

    #[test]
    fn raw_input_is_cut_at_the_longest_message() {
        let (messages, last) = inputs(Some(Form::Raw), b"12345678\n\xff");
        assert_eq!(
            messages,
            [
                Payload::Binary(b"12345678".into()),
                Payload::Binary(b"\n\xff".into())
            ]
        );
        assert_eq!(last, Input::End);
    }
}
