//! The conversation: what the user wants goes out, what comes is printed, over one connection or several.

use std::{
    collections::VecDeque,
    future::{Future, pending},
    io::{self, IsTerminal},
    pin::pin,
    rc::Rc,
    time::Duration,
};

use sockeye_host::{Agreement, Client, Closed, Engine, Event, MessageKind, Sender};
use sockeye_tokio::{CookieJar, Dialer};
use tokio::{
    sync::mpsc::{self, OwnedPermit},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Dial, Ending, Verbosity,
    connect::{Connector, Opened, Refused},
    ending,
    input::{self, Input, Stop},
    line::{self, Order, Rules},
    output::{Item, Output},
    record::{Direction, Record},
    retry::{self, Retry},
    say::{agreement, quoted, shown},
    show::Style,
    terminal::Terminal,
    work::{CLOSE, Work, next_work},
};

/// One run of `sockeye dial`.
pub(super) struct Session {
    dial: Dial,
    connector: Rc<Connector>,
    output: Output,
    inputs: mpsc::Receiver<Input>,
    stops: mpsc::UnboundedReceiver<Stop>,
    /// The prompt, when stdin and stdout are a terminal.
    terminal: Option<Terminal>,
    record: Option<Record>,
    /// Orders that came before there was a connection to carry them out on.
    kept: VecDeque<Order>,
    /// Stdin has ended.
    ended: bool,
    /// How reading stdin failed.
    failure: Option<String>,
}

/// What is known about the connection at hand.
#[derive(Debug, Default)]
struct Talk {
    /// We began to close.
    asked: bool,
    /// Because of Ctrl-C.
    interrupted: bool,
    /// The one message that was wanted has come.
    answered: bool,
    /// Pings under way, oldest first.
    pings: VecDeque<(Vec<u8>, Instant)>,
    /// Numbers the Pings that are sent by the clock.
    count: u64,
}

impl Session {
    /// Starts the threads that read and print.
    pub(super) fn new(
        dial: Dial,
        engine: Engine,
        dialer: (Dialer, Option<CookieJar>),
    ) -> Result<Self, Ending> {
        let failed = |error: io::Error| Ending::Failed(error.to_string());
        let rules = Rules {
            binary: dial.binary,
            max_message: dial.max_message,
        };
        let mut kept = VecDeque::new();
        for path in &dial.send_file {
            kept.push_back(Order::Send(rules.file(path).map_err(Ending::Failed)?));
        }
        let record = match &dial.record {
            Some(path) => Some(Record::open(path).map_err(|error| {
                Ending::Failed(format!("cannot write to {}: {error}", path.display()))
            })?),
            None => None,
        };
        let is_terminal = io::stdout().is_terminal();
        let is_interactive = is_terminal && io::stdin().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = Style {
            terminal: is_terminal,
            color: is_terminal && !no_color,
            prefix: if is_interactive { "< " } else { "" },
            json: dial.json,
            binary: dial.binary,
            separator: dial
                .separator
                .clone()
                .or_else(|| dial.null.then(|| "\0".into())),
        };
        let (send_stop, stops) = mpsc::unbounded_channel();
        input::watch_signals(send_stop.clone()).map_err(failed)?;
        let (send_input, inputs) = mpsc::channel(INPUTS);
        let (terminal, printer) = if is_interactive {
            let (terminal, printer) =
                Terminal::start(rules, send_input, send_stop).map_err(failed)?;
            (Some(terminal), Some(printer))
        } else {
            input::start(rules, send_input).map_err(failed)?;
            (None, None)
        };
        let output = Output::start(style, printer).map_err(failed)?;
        let connector = Rc::new(Connector::new(&dial, engine, dialer));
        Ok(Self {
            dial,
            connector,
            output,
            inputs,
            stops,
            terminal,
            record,
            kept,
            ended: false,
            failure: None,
        })
    }

    /// Talks until it is over, and leaves the terminal as it was.
    pub(super) async fn run(mut self) -> Result<Ending, Ending> {
        let mut ending = self.live().await;
        if let Some(failure) = self.failure.take()
            && ending == Ending::Done
        {
            ending = Ending::Failed(failure);
        }
        let Self {
            output,
            mut stops,
            terminal,
            ..
        } = self;
        tokio::select! {
            printed = output.finish() => {
                if let Err(error) = printed
                    && ending == Ending::Done
                {
                    ending = Ending::Failed(format!("cannot write to stdout: {error}"));
                }
            }
            _ = stops.recv() => ending = Ending::Interrupted,
        }
        if let Some(terminal) = terminal {
            terminal.restore();
        }
        Ok(ending)
    }

    /// Connects, again if that is wanted, and talks.
    async fn live(&mut self) -> Ending {
        let mut retry = Retry::new(self.dial.reconnect.unwrap_or(0));
        loop {
            let (ending, code, status) = match self.connect().await {
                Ok(Ok(opened)) => {
                    retry.succeeded();
                    let (ending, code) = self.talk(opened).await;
                    (ending, code, None)
                }
                Ok(Err((ending, status))) => (ending, None, status),
                Err(ending) => return ending,
            };
            if self.failure.is_some() || !retry::is_worthwhile(&ending, code, status) {
                return ending;
            }
            let Some(delay) = retry.next(random()) else {
                return ending;
            };
            let why = ending.sentence().unwrap_or("the server went away");
            let attempt = retry.attempt();
            self.say(
                Verbosity::Normal,
                format!("{why}; connecting again in {delay:?} (attempt {attempt})"),
            )
            .await;
            if let Err(ending) = self.meanwhile(sleep(delay)).await {
                return ending;
            }
        }
    }

    /// Connects once. The outer error: the user has had enough.
    async fn connect(&mut self) -> Result<Result<Opened, (Ending, Option<u16>)>, Ending> {
        let url = shown(&self.dial.url);
        self.write_down(|record| record.connecting(&url));
        let connector = Rc::clone(&self.connector);
        let outcome = self
            .meanwhile(async move { connector.open().await })
            .await?;
        let notes = match &outcome {
            Ok(opened) => &opened.notes,
            Err(refused) => &refused.notes,
        };
        for note in notes {
            self.output.say(note.clone()).await;
        }
        Ok(match outcome {
            Ok(opened) => {
                let Agreement {
                    subprotocol,
                    extensions,
                } = &opened.agreement;
                self.write_down(|record| {
                    record.opened(subprotocol.as_deref(), extensions.as_deref())
                });
                if self.terminal.is_some() || self.dial.verbosity() == Verbosity::Verbose {
                    self.say(Verbosity::Normal, agreement(&url, &opened.agreement))
                        .await;
                }
                Ok(opened)
            }
            Err(Refused { ending, status, .. }) => {
                let sentence = ending.sentence().unwrap_or_default();
                self.write_down(|record| record.failed(sentence));
                Err((ending, status))
            }
        })
    }

    /// Waits for something while there is no connection. The error: the user has had enough.
    async fn meanwhile<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, Ending> {
        let mut wait = pin!(wait);
        loop {
            // A pipe waits; a person should not.
            let listens = self.terminal.is_some() && !self.ended;
            let input = tokio::select! {
                value = &mut wait => return Ok(value),
                _ = self.stops.recv() => return Err(Ending::Interrupted),
                () = self.output.closed() => return Err(Ending::Done),
                input = self.inputs.recv(), if listens => input,
            };
            match input {
                Some(Input::Order(Order::Close(_))) => return Err(Ending::Done),
                Some(Input::Order(Order::Say(text)) | Input::Wrong(text)) => {
                    self.output.say(text).await;
                }
                Some(Input::Order(_)) if self.kept.len() >= KEPT => {
                    let text = format!("not kept: {KEPT} lines wait for a connection already");
                    self.output.say(text).await;
                }
                Some(Input::Order(order)) => self.kept.push_back(order),
                Some(Input::End) | None => self.ended = true,
                Some(Input::Failed(problem)) => return Err(Ending::Failed(problem)),
            }
        }
    }

    /// Talks over one connection until it ends; returns the code that it was closed with, if it was.
    async fn talk(&mut self, opened: Opened) -> (Ending, Option<u16>) {
        let mut client = opened.client;
        let sender = client.sender().clone();
        let mut talk = Talk::default();
        let mut close_at = None;
        let mut ping_at = self.dial.ping_interval.map(|time| Instant::now() + time);
        if self.ended && self.kept.is_empty() {
            close_at = self.when_to_close();
        }
        loop {
            let exhausted = self.ended && self.kept.is_empty();
            let takes = !talk.asked && !exhausted;
            let work = tokio::select! {
                stop = self.stops.recv() => {
                    if talk.asked || stop != Some(Stop::Close) {
                        return (Ending::Interrupted, None);
                    }
                    talk.interrupted = true;
                    self.close(&mut talk, &sender, Some((1000, String::new())));
                    continue;
                }
                work = next_work(
                    &self.output,
                    &mut client,
                    &sender,
                    &mut self.kept,
                    &mut self.inputs,
                    takes,
                    talk.asked,
                ) => work,
                () = at(close_at) => {
                    close_at = None;
                    self.close(&mut talk, &sender, Some((1000, String::new())));
                    continue;
                }
                () = at(ping_at), if !talk.asked => {
                    if let Some(ending) = self.ping_by_the_clock(&mut talk, &sender) {
                        return (ending, None);
                    }
                    ping_at = self.dial.ping_interval.map(|time| Instant::now() + time);
                    continue;
                }
            };
            match work {
                Work::Unread => return (Ending::Done, None),
                Work::Silence if talk.interrupted => return (Ending::Interrupted, None),
                Work::Silence => {
                    let sentence =
                        format!("the server did not answer the Close frame within {CLOSE:?}");
                    self.write_down(|record| record.failed(&sentence));
                    return (Ending::Lost(sentence), Some(1006));
                }
                Work::Event(permit, Some(Event::Closed(closed))) => {
                    drop(permit);
                    return self.over(client, &closed, &talk).await;
                }
                Work::Event(permit, Some(event)) => {
                    self.receive(&mut talk, &sender, permit, event);
                }
                Work::Event(_, None) => {
                    let sentence = "the connection failed: so did the instance of the component";
                    return (Ending::Lost(sentence.into()), Some(1006));
                }
                Work::Input(permit, input) => {
                    self.obey(&mut talk, &sender, permit, input);
                    if self.ended && self.kept.is_empty() && close_at.is_none() && !talk.asked {
                        close_at = self.when_to_close();
                    }
                }
            }
        }
    }

    /// Prints an event.
    fn receive(
        &mut self,
        talk: &mut Talk,
        sender: &Sender,
        permit: OwnedPermit<Item>,
        event: Event,
    ) {
        match event {
            Event::Message(message) => {
                // What comes behind the one message that was wanted is on nobody's mind.
                if talk.answered {
                    return;
                }
                let kind = match message.kind {
                    MessageKind::Text => "text",
                    MessageKind::Binary => "binary",
                };
                self.write_down(|record| record.payload(Direction::Received, kind, &message.data));
                permit.send(Item::Message(message));
                if self.dial.one {
                    talk.answered = true;
                    self.close(talk, sender, Some((1000, String::new())));
                }
            }
            Event::Ping(payload) => {
                self.write_down(|record| record.payload(Direction::Received, "ping", &payload));
                if self.dial.verbosity() == Verbosity::Verbose {
                    permit.send(Item::Status(format!(
                        "ping from the server{}",
                        quoted(&payload)
                    )));
                }
            }
            Event::Pong(payload) => {
                self.write_down(|record| record.payload(Direction::Received, "pong", &payload));
                // RFC 6455 §5.5.3: a Pong may answer only the latest of several Pings.
                let sent = talk.pings.iter().position(|(sent, _)| *sent == payload);
                let answered = sent.and_then(|index| talk.pings.drain(..=index).next_back());
                if self.dial.verbosity() >= Verbosity::Normal {
                    permit.send(Item::Status(match answered {
                        Some((_, at)) => {
                            format!("ping {:.2} ms", at.elapsed().as_secs_f64() * 1000.0)
                        }
                        None => format!("pong from the server{}", quoted(&payload)),
                    }));
                }
            }
            // The host asks for nothing else.
            _ => {}
        }
    }

    /// Does what the user wants.
    fn obey(&mut self, talk: &mut Talk, sender: &Sender, permit: OwnedPermit<Item>, input: Input) {
        let order = match input {
            Input::Order(order) => order,
            Input::Wrong(problem) => {
                permit.send(Item::Status(problem));
                return;
            }
            Input::End => {
                self.ended = true;
                return;
            }
            Input::Failed(problem) => {
                self.ended = true;
                self.failure = Some(problem);
                return self.close(talk, sender, Some((1000, String::new())));
            }
        };
        match order {
            Order::Send(payload) => {
                let kind = match payload {
                    line::Payload::Text(_) => "text",
                    line::Payload::Binary(_) => "binary",
                };
                self.write_down(|record| record.payload(Direction::Sent, kind, payload.bytes()));
                sender.send(payload.into());
            }
            Order::Ping(payload) => self.ping(talk, sender, payload),
            Order::Pong(payload) => {
                self.write_down(|record| record.payload(Direction::Sent, "pong", &payload));
                sender.pong(payload);
            }
            Order::Close(frame) => self.close(talk, sender, frame),
            Order::Say(text) => _ = permit.send(Item::Status(text)),
        }
    }

    fn ping(&mut self, talk: &mut Talk, sender: &Sender, payload: Vec<u8>) {
        self.write_down(|record| record.payload(Direction::Sent, "ping", &payload));
        if talk.pings.len() < PINGS {
            talk.pings.push_back((payload.clone(), Instant::now()));
        }
        sender.ping(payload);
    }

    /// Sends the next Ping, unless the last ones have had no answer for too long.
    fn ping_by_the_clock(&mut self, talk: &mut Talk, sender: &Sender) -> Option<Ending> {
        let patience = self.dial.ping_interval.unwrap_or_default().max(PATIENCE);
        if let Some((_, oldest)) = talk.pings.front()
            && oldest.elapsed() >= patience
        {
            let sentence = format!("the connection was lost: no Pong came within {patience:?}");
            self.write_down(|record| record.failed(&sentence));
            return Some(Ending::Lost(sentence));
        }
        talk.count += 1;
        let payload = format!("sockeye {}", talk.count).into_bytes();
        self.ping(talk, sender, payload);
        None
    }

    fn close(&mut self, talk: &mut Talk, sender: &Sender, frame: Option<(u16, String)>) {
        if !talk.asked {
            talk.asked = true;
            self.write_down(|record| record.close(frame.as_ref()));
            sender.close(line::frame(frame));
        }
    }

    /// The connection has ended.
    async fn over(
        &mut self,
        mut client: Client,
        closed: &Closed,
        talk: &Talk,
    ) -> (Ending, Option<u16>) {
        self.write_down(|record| record.closed(closed));
        // Our answer to the Close frame is still on its way.
        if let Err(Ending::Interrupted) = self.meanwhile(client.finish()).await {
            return (Ending::Interrupted, None);
        }
        let ending = if talk.interrupted {
            Ending::Interrupted
        } else {
            Ending::of(closed, talk.asked)
        };
        if ending.sentence().is_none() && self.terminal.is_some() {
            self.say(
                Verbosity::Normal,
                format!("closed with {}", ending::code(closed)),
            )
            .await;
        }
        // We wanted it: there is nothing to come back for.
        let lost = closed.initiator == sockeye_host::Initiator::Transport;
        let code = match (talk.asked, lost) {
            (true, _) => Some(1000),
            (false, true) => None,
            (false, false) => Some(closed.code),
        };
        (ending, code)
    }

    /// When to close after the end of stdin; `None`: not by ourselves.
    fn when_to_close(&self) -> Option<Instant> {
        match &self.dial.wait {
            Some(wait) => wait.0.map(|time| Instant::now() + time),
            None if self.dial.one => None,
            None => Some(Instant::now()),
        }
    }

    async fn say(&self, from: Verbosity, text: String) {
        if self.dial.verbosity() >= from {
            self.output.say(text).await;
        }
    }

    /// Records something, until that fails.
    fn write_down(&mut self, write: impl FnOnce(&mut Record) -> io::Result<()>) {
        if let Some(record) = &mut self.record
            && let Err(error) = write(record)
        {
            self.record = None;
            self.failure
                .get_or_insert_with(|| format!("the record is incomplete: {error}"));
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

fn random() -> u64 {
    // Without it, delays are only less spread.
    getrandom::u64().unwrap_or(0)
}

/// Inputs that wait to be looked at.
const INPUTS: usize = 8;

/// Orders kept for the next connection.
const KEPT: usize = 100;

/// Pings whose time is taken at once.
const PINGS: usize = 64;

/// How long a Pong may take.
const PATIENCE: Duration = Duration::from_secs(20);
