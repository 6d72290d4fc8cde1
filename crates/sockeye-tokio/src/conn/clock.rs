//! The time of one connection, and its timer.

use std::{
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Tells a connection the time.
///
/// It runs while the connection is being read from. When an application comes back late, for its own reasons, the clock has stood still: what
/// the peer sent meanwhile lies in the socket and counts before any timeout does.
#[derive(Debug)]
pub(super) struct Clock {
    origin: Instant,
    /// When the connection wants to be told the time.
    due: Option<Duration>,
    /// When `sleep` ends. Times mostly move away, so that it is let run out and set anew: no timer is touched per message.
    armed: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Who is woken by it.
    waker: Option<Waker>,
}

/// How late a timer may be before the application is to blame.
const GRACE: Duration = Duration::from_millis(500);

/// Timers of tokio have milliseconds.
const GRANULARITY: Duration = Duration::from_millis(1);

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            due: None,
            armed: None,
            sleep: None,
            waker: None,
        }
    }

    /// Since the origin.
    #[inline]
    pub(super) fn now(&mut self) -> Duration {
        let now = self.origin.elapsed();
        match self.due {
            Some(due) if now > due + GRACE => self.catch_up(now, due),
            _ => now,
        }
    }

    #[cold]
    fn catch_up(&mut self, now: Duration, due: Duration) -> Duration {
        let then = due.saturating_sub(GRANULARITY);
        self.origin += now - then;
        self.armed = None;
        then
    }

    /// Has the task woken when `due` has come. Returns whether it has.
    #[inline]
    pub(super) fn poll(&mut self, due: Option<Duration>, cx: &mut Context<'_>) -> bool {
        self.due = due;
        let Some(due) = due else {
            return false;
        };
        if let (Some(armed), Some(sleep), Some(waker)) = (self.armed, &self.sleep, &self.waker)
            && armed <= due
            && !sleep.is_elapsed()
            && waker.will_wake(cx.waker())
        {
            return false;
        }
        self.arm(due, cx)
    }

    fn arm(&mut self, due: Duration, cx: &mut Context<'_>) -> bool {
        let at = self.origin + due;
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            None => self.sleep.insert(Box::pin(sleep_until(at))),
        };
        self.armed = Some(due);
        self.waker = Some(cx.waker().clone());
        sleep.as_mut().poll(cx).is_ready()
    }
}
