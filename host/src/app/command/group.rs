//! A process and its descendants.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    process::Child,
    time::{Instant, sleep, timeout},
};

/// A process group. Nobody in it outlives this.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group that `leader` was started in, as its leader.
    pub(super) fn of(leader: &Child) -> Self {
        let id = leader.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Ends the leader, which has been told that its client is gone: asks it to after `grace`, makes it after another.
    pub(super) async fn end_leader(&mut self, leader: &mut Child, grace: Duration) {
        if timeout(grace, leader.wait()).await.is_err() {
            self.signal(Signal::TERM);
            if timeout(grace, leader.wait()).await.is_err() {
                self.signal(Signal::KILL);
                // Nothing survives it.
                let _ = leader.wait().await;
            }
        }
    }

    /// Ends those whom the leader has left behind: asks them to now, makes them after `grace`.
    pub(super) async fn end(&mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.signal(Signal::TERM);
        while let Some(id) = self.0 {
            // The number of an empty group may be given to another: it must not be used once nobody was found in it.
            if test_kill_process_group(id).is_err() {
                self.0 = None;
            } else if Instant::now() >= deadline {
                self.signal(Signal::KILL);
                self.0 = None;
            } else {
                sleep(LOOK).await;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.0 {
            // It fails when nobody is left.
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// How often is looked whether somebody is left.
const LOOK: Duration = Duration::from_millis(20);
