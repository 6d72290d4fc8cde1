//! The buffers that JavaScript and WebAssembly share.
//!
//! All engines share them: an idle connection holds none. What JavaScript is told about stays where it is until the next call of any engine.

use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::ops::Range;
use std::borrow::Cow;

use sockeye::{ExtraHeaders, FramePiece, MessageKind, Role, SessionEvent};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::describe;

/// Most bytes of input in one call.
const INPUT: usize = 1 << 16;
const ALIGNMENT: usize = 64;
/// Output buffers that are kept for whoever needs one next, and the largest that is.
const POOL: usize = 64;
const KEEP: usize = 1 << 18;

/// What an event is, in the first byte of its record.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Kind {
    Request = 0,
    Opened = 1,
    Text = 2,
    Binary = 3,
    Ping = 4,
    Pong = 5,
    Closed = 6,
    Header = 7,
    Payload = 8,
}

/// The part ends its message.
const FIN: u32 = 1 << 8;
/// The bytes are ASCII.
const ASCII: u32 = 1 << 9;
/// The bytes lie in the input, at the place where they came.
const IN_PLACE: u32 = 1 << 10;

/// An event as JavaScript reads it: kind and flags, address and length of its bytes, and a number.
type Record = [u32; 4];

/// What a call leaves behind for JavaScript to read.
#[repr(C)]
pub(crate) struct Report {
    /// When the engine wants to be called at the latest, in milliseconds of the caller's clock, or infinity.
    pub(crate) timeout: Cell<f64>,
    /// Address of the records.
    events: Cell<u32>,
    /// Address of the bytes that were taken.
    taken: Cell<u32>,
    /// Bytes of output that wait.
    pub(crate) pending: Cell<u32>,
    /// See [`crate::engine`].
    pub(crate) flags: Cell<u32>,
    /// Bytes of the frame under way that have not come.
    pub(crate) remaining: Cell<u32>,
}

/// The shared buffers.
pub(crate) struct Io {
    /// What was read, of whichever connection: from `start` on.
    input: Vec<u8>,
    /// A multiple of 64 in the memory. Allocations of engines are multiples of 16 too, and so no copy between them goes a few bytes up or down
    /// modulo 4 KiB, which on some processors takes thirty times as long.
    start: usize,
    /// What is to be sent, or said, in the call that follows.
    staging: Vec<u8>,
    /// Header fields for the call that follows.
    pub(crate) headers: ExtraHeaders,
    events: Vec<Record>,
    /// Bytes of events that do not lie in the input.
    kept: Vec<Vec<u8>>,
    taken: Vec<u8>,
    pool: Vec<Vec<u8>>,
}

thread_local! {
    static REPORT: Report = const {
        Report {
            timeout: Cell::new(f64::INFINITY),
            events: Cell::new(0),
            taken: Cell::new(0),
            pending: Cell::new(0),
            flags: Cell::new(0),
            remaining: Cell::new(0),
        }
    };
    // Never dropped, and so without the machinery for that.
    static IO: RefCell<ManuallyDrop<Io>> = const {
        RefCell::new(ManuallyDrop::new(Io {
            input: Vec::new(),
            start: 0,
            staging: Vec::new(),
            headers: ExtraHeaders::new(),
            events: Vec::new(),
            kept: Vec::new(),
            taken: Vec::new(),
            pool: Vec::new(),
        }))
    };
}

/// Runs `work` on the buffers.
pub(crate) fn with<T>(work: impl FnOnce(&mut Io) -> T) -> T {
    IO.with_borrow_mut(|io| work(io))
}

/// Runs `work` on the report.
pub(crate) fn report<T>(work: impl FnOnce(&Report) -> T) -> T {
    REPORT.with(work)
}

/// Where the report is. It never moves.
#[wasm_bindgen]
#[must_use]
pub fn report_address() -> u32 {
    REPORT.with(|report| address(core::ptr::from_ref(report).cast()))
}

/// Where input goes, 64 KiB of it. It never moves.
#[wasm_bindgen]
#[must_use]
pub fn input_address() -> u32 {
    with(|io| {
        io.input.resize(INPUT + ALIGNMENT, 0);
        io.start = io.input.as_ptr().addr().wrapping_neg() % ALIGNMENT;
        address(io.input.as_ptr()) + io.start as u32
    })
}

/// Makes room for what is to be sent, and returns where. It moves when it grows.
#[wasm_bindgen]
#[must_use]
pub fn stage(len: u32) -> u32 {
    with(|io| {
        let len = (len as usize).max(INPUT);
        if io.staging.len() < len || io.staging.len() > KEEP {
            io.staging = vec![0; len];
        }
        address(io.staging.as_ptr())
    })
}

/// Adds the staged header field for the call that follows: name, NUL, value. Returns the length of what is wrong with it.
#[wasm_bindgen]
#[must_use]
pub fn stage_header(len: u32) -> u32 {
    with(|io| {
        let staged = io.staging.get(..len as usize).unwrap_or_default();
        let end = staged.iter().position(|&byte| byte == 0);
        let (name, value) = staged.split_at(end.unwrap_or(staged.len()));
        let name = core::str::from_utf8(name).unwrap_or_default();
        let outcome = io.headers.push(name, value.get(1..).unwrap_or_default());
        io.say(outcome.err().map(describe::option))
    })
}

/// Forgets the header fields.
#[wasm_bindgen]
pub fn clear_headers() {
    with(|io| io.headers = ExtraHeaders::new());
}

/// Whether the staged bytes are UTF-8.
#[wasm_bindgen]
#[must_use]
pub fn is_utf8(len: u32) -> bool {
    with(|io| core::str::from_utf8(io.staged(len)).is_ok())
}

/// Says the sentence of an error of sending. Returns its length.
#[wasm_bindgen]
#[must_use]
pub fn send_error(number: i32) -> u32 {
    with(|io| io.say(Some(describe::send_sentence(number))))
}

impl Io {
    /// The bytes that were put into the staging area.
    pub(crate) fn staged(&self, len: u32) -> &[u8] {
        self.staging.get(..len as usize).unwrap_or_default()
    }

    /// The same as text. JavaScript encodes what is to be text, so that it is UTF-8.
    pub(crate) fn staged_text(&self, len: u32) -> &str {
        core::str::from_utf8(self.staged(len)).unwrap_or_default()
    }

    /// Leaves this for JavaScript to read, and returns its length: zero when there is nothing to say.
    pub(crate) fn say(&mut self, what: Option<impl Into<Vec<u8>>>) -> u32 {
        let mut what = what.map(Into::into).unwrap_or_default();
        self.take(&mut what)
    }

    /// The bytes of input, and where to put what comes of them.
    pub(crate) fn begin(&mut self, len: u32) -> (&mut [u8], Events<'_>) {
        self.events.clear();
        self.kept.clear();
        let input = self.input.get_mut(self.start..).unwrap_or_default();
        let input = input.get_mut(..len as usize).unwrap_or_default();
        let range = input.as_ptr_range();
        let events = Events {
            records: &mut self.events,
            kept: &mut self.kept,
            input: range.start.addr()..range.end.addr(),
        };
        (input, events)
    }

    /// Tells JavaScript where the records are, and returns how many.
    pub(crate) fn count(&self) -> u32 {
        report(|report| report.events.set(address(self.events.as_ptr().cast())));
        self.events.len() as u32
    }

    /// Gives an engine that has something to write a buffer to write to.
    pub(crate) fn lend(&mut self, out: &mut Vec<u8>) {
        if out.capacity() == 0 {
            *out = self.pool.pop().unwrap_or_default();
        }
    }

    /// Takes the buffer of an engine that has nothing to write.
    pub(crate) fn give_back(&mut self, out: &mut Vec<u8>) {
        let mut out = core::mem::take(out);
        if (1..=KEEP).contains(&out.capacity()) && self.pool.len() < POOL {
            out.clear();
            self.pool.push(out);
        }
    }

    /// Takes what an engine wants written, tells JavaScript where it is, and returns its length.
    pub(crate) fn take(&mut self, out: &mut Vec<u8>) -> u32 {
        let mut before = core::mem::replace(&mut self.taken, core::mem::take(out));
        self.give_back(&mut before);
        report(|report| report.taken.set(address(self.taken.as_ptr())));
        self.taken.len() as u32
    }
}

/// Where events are put.
pub(crate) struct Events<'a> {
    records: &'a mut Vec<Record>,
    kept: &'a mut Vec<Vec<u8>>,
    input: Range<usize>,
}

impl Events<'_> {
    pub(crate) fn push(&mut self, event: SessionEvent<'_>) {
        match event {
            SessionEvent::Part(part) => {
                let is_text = part.kind == MessageKind::Text;
                let kind = if is_text { Kind::Text } else { Kind::Binary };
                let mut flags = u32::from(part.fin) * FIN;
                if is_text && part.data.is_ascii() {
                    flags |= ASCII;
                }
                self.bytes(kind, flags, 0, part.data);
            }
            SessionEvent::Message(message) => {
                let is_text = message.kind() == MessageKind::Text;
                let kind = if is_text { Kind::Text } else { Kind::Binary };
                self.bytes(kind, FIN, 0, message.as_bytes().to_vec().into());
            }
            SessionEvent::Ping(payload) => self.bytes(Kind::Ping, 0, 0, payload),
            SessionEvent::Pong(payload) => self.bytes(Kind::Pong, 0, 0, payload),
            SessionEvent::Request(request) => {
                let text = describe::request(&request);
                self.bytes(Kind::Request, 0, 0, text.into());
            }
            SessionEvent::Opened(agreement) => {
                let text = describe::agreement(&agreement);
                self.bytes(Kind::Opened, 0, 0, text.into());
            }
            SessionEvent::Closed(closed) => {
                let (number, text) = describe::closed(&closed);
                self.bytes(Kind::Closed, 0, number, text.into());
            }
            _ => {}
        }
    }

    /// A piece of a frame that is inspected.
    pub(crate) fn piece(&mut self, piece: &FramePiece<'_>, sender: Option<Role>) {
        match *piece {
            FramePiece::Header(header) => {
                let text = describe::header(&header, sender);
                self.bytes(Kind::Header, 0, 0, text.into());
            }
            FramePiece::Payload { data, last } => {
                self.bytes(Kind::Payload, u32::from(last) * FIN, 0, data.into());
            }
            _ => {}
        }
    }

    #[inline]
    fn bytes(&mut self, kind: Kind, mut flags: u32, number: u32, data: Cow<'_, [u8]>) {
        let range = data.as_ptr_range();
        let is_in_place = self.input.start <= range.start.addr()
            && range.end.addr() <= self.input.end
            && !data.is_empty();
        let len = data.len() as u32;
        let place = if is_in_place {
            flags |= IN_PLACE;
            address(data.as_ptr())
        } else {
            let data = data.into_owned();
            let place = address(data.as_ptr());
            self.kept.push(data);
            place
        };
        self.records.push([kind as u32 | flags, place, len, number]);
    }
}

/// An address in the linear memory, where all of them have 32 bits.
fn address(pointer: *const u8) -> u32 {
    pointer.addr() as u32
}
