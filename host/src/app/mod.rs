//! The applications that `sockeye serve` has.

mod chat;
mod command;
mod console;
mod lines;
mod rebinding;
mod watch;

use std::sync::Arc;

use sockeye_host::{CloseFrame, ServerBuilder, UpgradeOptions};

pub(crate) use self::{
    chat::Chat,
    command::{Launcher, Program},
    watch::{Start, Watch},
};

/// What clients get.
pub(crate) enum Application {
    /// Every message back, without leaving the component.
    Echo,
    /// The messages of everybody in the same room.
    Chat(Arc<Chat>),
    /// The lines of a file.
    Watch(Arc<Watch>),
    /// A process of their own.
    Command(Arc<Launcher>),
}

impl Application {
    /// Has the server serve it.
    pub(crate) fn attach(&self, builder: ServerBuilder, options: UpgradeOptions) -> ServerBuilder {
        match self {
            Self::Echo => builder.options(options),
            Self::Chat(chat) => Arc::clone(chat).attach(builder, options),
            Self::Watch(watch) => Arc::clone(watch).attach(builder, options),
            Self::Command(launcher) => Arc::clone(launcher).attach(builder, options),
        }
    }

    /// Whether a browser gets a page.
    pub(crate) fn has_page(&self) -> bool {
        match self {
            Self::Echo => false,
            Self::Chat(_) | Self::Watch(_) => true,
            Self::Command(launcher) => launcher.has_page(),
        }
    }

    /// Waits until nothing is left of it, once every connection has ended.
    pub(crate) async fn finish(&self) {
        if let Self::Command(launcher) = self {
            launcher.finish().await;
        }
    }
}

/// A Close frame. Long reasons are cut.
fn close_frame(code: u16, reason: impl Into<String>) -> CloseFrame {
    let mut reason = reason.into();
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    CloseFrame { code, reason }
}

/// RFC 6455 §5.5: a control frame has at most 125 bytes of payload, two of which are the code.
const MAX_REASON: usize = 123;
