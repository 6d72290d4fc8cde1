//! `sockeye serve watch`: the lines of a file as they are written.

mod file;
mod reader;

use std::{
    io,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use anyhow::{Context, Result};
use sockeye_host::{Event, Peer, ServerBuilder, UpgradeOptions};

use self::{
    file::Generation,
    reader::{Notice, Reader},
};
use super::{console, rebinding};

/// Hands clients to the thread that reads the file for all of them.
pub(crate) struct Watch {
    /// What the file is called, without its directory.
    name: String,
    options: UpgradeOptions,
    notices: mpsc::Sender<Notice>,
}

/// Where clients begin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// At the first line.
    All,
    /// So many lines before the end.
    Last(u64),
}

impl Watch {
    /// Starts to watch `path`.
    ///
    /// # Errors
    ///
    /// It is not there, not a regular file, or cannot be read; or a thread cannot be started.
    pub(crate) fn new(path: &Path, start: Start, options: &UpgradeOptions) -> Result<Arc<Self>> {
        // Also when the working directory changes or the last part is a link: what it is called is what is watched.
        let path = std::path::absolute(path)?;
        Generation::open(&path).with_context(|| format!("cannot watch {}", path.display()))?;
        let (sender, receiver) = mpsc::channel();
        let message_size = usize::try_from(options.message_size).unwrap_or(usize::MAX);
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let reader = Reader::new(path, start, message_size);
        thread::Builder::new()
            .name("sockeye-watch".into())
            .spawn(move || reader.run(&receiver))
            .context("cannot start a thread")?;
        Ok(Arc::new(Self {
            name,
            options: options.clone(),
            notices: sender,
        }))
    }

    pub(super) fn attach(
        self: Arc<Self>,
        builder: ServerBuilder,
        mut options: UpgradeOptions,
    ) -> ServerBuilder {
        options.ask = true;
        builder
            .options(options)
            .pages(console::pages(console::Kind::Watch, &self.name))
            .on_event(move |event, peer| self.handle(&event, peer))
    }

    fn handle(&self, event: &Event, peer: &mut Peer<'_>) {
        let notice = match event {
            Event::Request(request) => {
                match rebinding::objection(request, peer, &self.options) {
                    Some(objection) => peer.refuse(403, objection),
                    None => peer.admit(self.options.choose_subprotocol(request), Vec::new()),
                }
                return;
            }
            Event::Opened(_) => Notice::Joined(peer.id(), peer.sender()),
            Event::Closed(_) => Notice::Left(peer.id()),
            _ => return,
        };
        // The reader lives as long as this.
        let _ = self.notices.send(notice);
    }
}

/// Says that only regular files can be watched.
fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}
