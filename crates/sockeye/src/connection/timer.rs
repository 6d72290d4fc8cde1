//! Keepalive and the timeouts: time as the caller tells it.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Connection, Initiator, State};
use crate::{Opcode, ProtocolError, Timeouts};

/// What is due when. Nothing moves on the hot path: data that comes only notes the time, and a Ping that proves
/// unnecessary is put off when its time has come.
#[derive(Debug)]
pub(super) struct Timers {
    timeouts: Timeouts,
    /// Whether the time has been told: until then the clock stands at zero.
    started: bool,
    now: Duration,
    /// When something last came from the peer.
    heard: Duration,
    ping_due: Option<Duration>,
    pong_due: Option<Duration>,
    message_due: Option<Duration>,
    close_due: Option<Duration>,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            started: false,
            now: Duration::ZERO,
            heard: Duration::ZERO,
            ping_due: timeouts.ping_interval,
            pong_due: None,
            message_due: None,
            close_due: None,
        }
    }

    /// The connection began at this time, not at the caller's origin.
    fn start(&mut self, now: Duration) {
        self.started = true;
        self.now = now;
        self.heard = now;
        for due in [
            &mut self.ping_due,
            &mut self.message_due,
            &mut self.close_due,
        ] {
            *due = due.and_then(|due| due.checked_add(now));
        }
    }

    pub(super) const fn heard(&mut self) {
        self.heard = self.now;
    }

    pub(super) fn message_unfinished(&mut self) {
        if self.message_due.is_none() {
            self.message_due = self.due(self.timeouts.message);
        }
    }

    pub(super) const fn message_finished(&mut self) {
        self.message_due = None;
    }

    pub(super) fn close_sent(&mut self) {
        self.ping_due = None;
        self.pong_due = None;
        self.close_due = self.due(self.timeouts.close);
    }

    pub(super) const fn stop(&mut self) {
        self.ping_due = None;
        self.pong_due = None;
        self.message_due = None;
        self.close_due = None;
    }

    fn next(&self) -> Option<Duration> {
        [
            self.ping_due,
            self.pong_due,
            self.message_due,
            self.close_due,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn due(&self, timeout: Option<Duration>) -> Option<Duration> {
        timeout.and_then(|timeout| self.now.checked_add(timeout))
    }
}

impl Connection {
    /// When to call [`Self::handle_timeout`] at the latest, since the origin that the caller chose. `None`: nothing is due.
    ///
    /// Ask again after each round of calls.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Tells the time and acts on it. Call it before the [`Self::receive`] calls of each read, and at [`Self::poll_timeout`]; it
    /// costs next to nothing when nothing is due. Write `out` afterwards.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::PongTimeout`], [`ProtocolError::MessageTimeout`] or [`ProtocolError::CloseTimeout`]: the connection has been failed.
    pub fn handle_timeout(
        &mut self,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if !self.timers.started {
            self.timers.start(now);
            return Ok(());
        }
        let now = now.max(self.timers.now);
        self.timers.now = now;
        if self.timers.next().is_none_or(|due| due > now) {
            return Ok(());
        }
        let is_due = |due: Option<Duration>| due.is_some_and(|due| due <= now);
        if is_due(self.timers.close_due) {
            let error = ProtocolError::CloseTimeout;
            self.error = Some(error);
            self.end(Initiator::Local);
            return Err(error);
        }
        if is_due(self.timers.message_due) {
            return Err(self.fail(ProtocolError::MessageTimeout, out));
        }
        self.keep_alive(out)
    }

    fn keep_alive(&mut self, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let timers = &mut self.timers;
        let Some(interval) = timers.timeouts.ping_interval else {
            return Ok(());
        };
        if let Some(due) = timers.pong_due {
            // Anything that came since the Ping shows that the peer lives; a Pong may wait behind a long message.
            let pinged = timers
                .timeouts
                .pong
                .map_or(due, |timeout| due.saturating_sub(timeout));
            if timers.heard >= pinged {
                timers.pong_due = None;
            } else if due <= timers.now {
                return Err(self.fail(ProtocolError::PongTimeout, out));
            }
        }
        if timers.ping_due.is_some_and(|due| due <= timers.now) {
            let due = timers.heard.checked_add(interval);
            if due.is_some_and(|due| due > timers.now) {
                timers.ping_due = due;
                return Ok(());
            }
            // While a Ping is unanswered there is no other; whether it still is, is asked again then.
            timers.ping_due = timers.due(Some(interval));
            if timers.pong_due.is_none() && self.state == State::Open {
                timers.pong_due = timers.due(timers.timeouts.pong);
                self.write_frame(Opcode::Ping, &[], out);
            }
        }
        Ok(())
    }
}
