//! `sockeye serve chat`: what one says, everybody in the room hears.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sockeye_host::{Event, Message, Page, Peer, Request, Sender, ServerBuilder, UpgradeOptions};

use super::close_frame;

/// The rooms, each as long as somebody is in it.
pub(crate) struct Chat {
    options: UpgradeOptions,
    /// Bytes that may wait for a member.
    patience: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By name, with how many connections are in it or about to be.
    rooms: HashMap<String, (Arc<Room>, usize)>,
    /// In which room each connection is, or is about to be.
    places: HashMap<u64, Arc<Room>>,
}

struct Room {
    name: String,
    /// In order of arrival. The lock is held while a message goes out: all members get all messages in the same order.
    members: Mutex<BTreeMap<u64, Sender>>,
}

impl Chat {
    /// With no room yet.
    pub(crate) fn new(options: &UpgradeOptions) -> Arc<Self> {
        let message_size = usize::try_from(options.message_size).unwrap_or(usize::MAX);
        Arc::new(Self {
            options: options.clone(),
            patience: message_size.saturating_mul(2).saturating_add(BURST),
            state: Mutex::default(),
        })
    }

    pub(super) fn attach(
        self: Arc<Self>,
        builder: ServerBuilder,
        mut options: UpgradeOptions,
    ) -> ServerBuilder {
        options.ask = true;
        builder
            .options(options)
            .pages(page)
            .on_event(move |event, peer| self.handle(event, peer))
    }

    fn handle(&self, event: Event, peer: &mut Peer<'_>) {
        match event {
            Event::Request(request) => self.answer(&request, peer),
            Event::Opened(_) => {
                if let Some(room) = self.room_of(peer.id()) {
                    lock(&room.members).insert(peer.id(), peer.sender());
                }
            }
            Event::Message(message) => {
                if let Some(room) = self.room_of(peer.id()) {
                    room.broadcast(&message, self.patience);
                }
            }
            Event::Closed(_) => self.leave(peer.id()),
            _ => {}
        }
    }

    fn answer(&self, request: &Request, peer: &mut Peer<'_>) {
        let path = request.target.split('?').next().unwrap_or_default();
        let Some(name) = room_name(path) else {
            peer.refuse(404, "There is no such room: connect to / or /room/NAME.\n");
            return;
        };
        let mut state = lock(&self.state);
        let (room, guests) = state.rooms.entry(name.to_owned()).or_insert_with(|| {
            let room = Room {
                name: name.to_owned(),
                members: Mutex::default(),
            };
            (Arc::new(room), 0)
        });
        *guests += 1;
        let room = Arc::clone(room);
        state.places.insert(peer.id(), room);
        drop(state);
        peer.admit(self.options.choose_subprotocol(request), Vec::new());
    }

    fn leave(&self, id: u64) {
        let mut state = lock(&self.state);
        let Some(room) = state.places.remove(&id) else {
            return;
        };
        lock(&room.members).remove(&id);
        if let Some((_, guests)) = state.rooms.get_mut(&room.name) {
            *guests -= 1;
            if *guests == 0 {
                state.rooms.remove(&room.name);
            }
        }
    }

    fn room_of(&self, id: u64) -> Option<Arc<Room>> {
        lock(&self.state).places.get(&id).cloned()
    }
}

impl Room {
    /// Sends to every member. One for whom more than `patience` bytes wait does not read, and would fill the memory of everybody.
    fn broadcast(&self, message: &Message, patience: usize) {
        lock(&self.members).retain(|&id, member| {
            if member.waiting() > patience {
                tracing::info!(
                    connection = id,
                    "closed: it does not read what the room says"
                );
                member.abandon(Some(close_frame(
                    1008,
                    "too slow to read what the room says",
                )));
                return false;
            }
            member.send(message.clone())
        });
    }
}

/// The room that a path means: `/` and `/ws` are the lobby, whose name is empty.
fn room_name(path: &str) -> Option<&str> {
    match path {
        "/" | "/ws" => Some(""),
        _ => path
            .strip_prefix("/room/")
            .filter(|name| (1..=MAX_NAME).contains(&name.len()) && !name.contains('/')),
    }
}

/// The page of every room, and what it loads.
fn page(path: &str) -> Option<Page> {
    match path {
        "/chat.css" => Some(Page::new("text/css; charset=utf-8", CSS)),
        "/chat.js" => Some(Page::new("text/javascript; charset=utf-8", SCRIPT)),
        _ => room_name(path).map(|_| Page::new("text/html; charset=utf-8", HTML)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that panics runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const HTML: &[u8] = include_bytes!("chat.html");
const CSS: &[u8] = include_bytes!("chat.css");
const SCRIPT: &[u8] = include_bytes!("chat.js");

/// Bytes of a room's name, as written in the request.
const MAX_NAME: usize = 512;

/// Beside two messages of the longest size: what one member may say before the threads that serve the others have had a turn.
const BURST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_rooms() {
        assert_eq!(room_name("/"), Some(""));
        assert_eq!(room_name("/ws"), Some(""));
        assert_eq!(room_name("/room/tea"), Some("tea"));
        for path in ["/room/", "/room", "/room/a/b", "/rooms", "", "/favicon.ico"] {
            assert_eq!(room_name(path), None, "{path}");
        }
        assert_eq!(room_name(&format!("/room/{}", "a".repeat(513))), None);
    }
}
