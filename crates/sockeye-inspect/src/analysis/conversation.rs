//! One WebSocket connection.

use sockeye::DeflateParameters;

use super::{BareHeader, Provenance, Side, context::Context, talk::HeadOnRecord, way::Way};
use crate::{
    Capture, Connection, Direction, Handshake, OnRecord, Options, Place, Rule, Security, Timestamp,
    analysis::{Flow, handshake},
    capture::{SegmentPlace, StreamId},
};

/// A WebSocket connection of which more may come.
#[derive(Debug)]
pub(super) struct Conversation {
    connection: u32,
    client: Side,
    deflate: Option<DeflateParameters>,
    /// Whether the extension is to be guessed from the frames.
    is_guess: bool,
    ways: [Way; 2],
    /// Whether both ways have been finished.
    is_finished: bool,
}

impl Conversation {
    /// Begins a connection in the capture. `None` when there is no more room.
    pub(super) fn begin(
        capture: &mut Capture,
        options: &Options,
        flow: &Flow,
        client: Side,
        heads: Option<(Option<HeadOnRecord>, HeadOnRecord)>,
    ) -> Option<Self> {
        let number = u32::try_from(capture.connections.len()).ok()?;
        if number >= StreamId::MAX_CONNECTIONS {
            return None;
        }
        let mut conversation = Self {
            connection: number,
            client,
            deflate: None,
            is_guess: false,
            ways: Direction::BOTH.map(Way::new),
            is_finished: false,
        };
        let is_guessed = heads.is_none();
        if is_guessed {
            conversation.deflate = options.preset.deflate.flatten();
            conversation.is_guess = options.preset.deflate.is_none();
        }
        capture.connections.push(Connection {
            number,
            client: flow.addresses[client.index()],
            server: flow.addresses[client.other().index()],
            opened: Timestamp::UNKNOWN,
            last: Timestamp::UNKNOWN,
            handshake: None,
            deflate: conversation.deflate,
            subprotocol: None,
            is_guessed,
            security: if flow.decrypted {
                Security::Decrypted
            } else {
                Security::Plain
            },
            traffic: Default::default(),
            round_trips: Vec::new(),
            round_trip_summary: Default::default(),
            end: Default::default(),
        });
        if let Some((request, response)) = heads {
            conversation.handshake(capture, options, request, response);
        } else if !flow.is_websocket {
            let mut context = conversation.context(capture, options);
            context.report(Rule::BeginsInTheMiddle, None, Place::Connection, "");
        }
        Some(conversation)
    }

    fn handshake(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        request: Option<HeadOnRecord>,
        response: HeadOnRecord,
    ) {
        let response_bytes = Some(&response.bytes[..]).filter(|bytes| !bytes.is_empty());
        let outcome = handshake::check(
            request.as_ref().map(|request| &request.bytes[..]),
            response_bytes,
        );
        self.deflate = outcome.deflate;
        // Without the response, it is not known what was agreed.
        self.is_guess = response.bytes.is_empty() && options.preset.deflate.is_none();
        if response.bytes.is_empty() {
            self.deflate = options.preset.deflate.flatten();
        }
        let requested = request
            .as_ref()
            .map_or(response.begun, |request| request.begun);
        capture.touch(requested);
        capture.touch(response.complete);
        if let Some(connection) = capture.connections.last_mut() {
            connection.opened = requested;
            connection.last = response.complete;
            connection.deflate = self.deflate;
            connection.is_guessed = response.bytes.is_empty();
            connection.subprotocol = outcome.subprotocol;
            connection.handshake = Some(Handshake {
                request: request.map_or_else(Box::default, |request| request.bytes.into()),
                response: response.bytes.into(),
                requested,
                answered: response.complete,
                checks: outcome.checks,
            });
        }
        let mut context = self.context(capture, options);
        for (rule, place, detail) in outcome.broken {
            let direction = match place {
                Place::Request(_) => Direction::ToServer,
                _ => Direction::ToClient,
            };
            context.report(rule, Some(direction), place, &detail);
        }
    }

    /// Frames of this side begin at an unknown place.
    pub(super) const fn begin_lost(&mut self, side: Side) {
        let at = self.direction(side).index();
        self.ways[at].begin_lost();
    }

    /// The client sent frames before it knew the answer.
    pub(super) fn early(&mut self, capture: &mut Capture, options: &Options) {
        let mut context = self.context(capture, options);
        context.report(
            Rule::DataBeforeHandshake,
            Some(Direction::ToServer),
            Place::Connection,
            "",
        );
    }

    /// Says what carries the connection.
    pub(super) fn secure(&self, capture: &mut Capture, security: Security) {
        if let Some(connection) = capture.connections.get_mut(self.connection as usize) {
            connection.security = security;
        }
    }

    /// Takes bytes of one side.
    #[inline]
    pub(super) fn receive(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        side: Side,
        provenance: Provenance,
        bytes: &mut [u8],
    ) {
        self.touch(capture, provenance.time);
        let direction = self.direction(side);
        let mut context = Context {
            capture,
            connection: self.connection,
            deflate: self.deflate,
            is_guessed: self.is_guess,
            kept_bytes: options.kept_bytes as u64,
            findings_per_rule: options.findings_per_rule,
        };
        let [up, down] = &mut self.ways;
        match direction {
            Direction::ToServer => up.receive(&mut context, down, provenance, bytes),
            Direction::ToClient => down.receive(&mut context, up, provenance, bytes),
        }
        if context.deflate != self.deflate {
            self.deflate = context.deflate;
            if let Some(connection) = context.here() {
                connection.deflate = self.deflate;
            }
        }
    }

    /// Bytes of one side are missing.
    pub(super) fn missing(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        side: Side,
        provenance: Provenance,
        len: u64,
    ) {
        let direction = self.direction(side);
        let mut context = self.context(capture, options);
        self.ways[direction.index()].missing(&mut context, provenance, len);
    }

    /// Two segments differ.
    pub(super) fn conflict(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        side: Side,
        packet: u32,
    ) {
        let direction = self.direction(side);
        let mut context = self.context(capture, options);
        let detail = format!("packet {packet}");
        context.report(
            Rule::SegmentsConflict,
            Some(direction),
            Place::Connection,
            &detail,
        );
    }

    /// One side ended its stream.
    pub(super) fn end(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        side: Side,
        time: Timestamp,
    ) {
        self.touch(capture, time);
        let direction = self.direction(side);
        let mut context = self.context(capture, options);
        let Some(connection) = context.here() else {
            return;
        };
        let end = &mut connection.end;
        end.finished[direction.index()].get_or_insert(time);
        let is_orderly = end.close.iter().all(Option::is_some);
        let is_first = end.finished[direction.reversed().index()].is_none();
        if direction == Direction::ToServer && is_orderly && is_first {
            context.report(
                Rule::ClientClosedTcp,
                Some(direction),
                Place::Connection,
                "",
            );
        }
        if !is_first {
            self.finish(capture, options);
        }
    }

    /// One side reset the connection.
    pub(super) fn reset(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        side: Side,
        time: Timestamp,
    ) {
        self.touch(capture, time);
        let direction = self.direction(side);
        if let Some(connection) = capture.connections.get_mut(self.connection as usize) {
            connection.end.reset.get_or_insert((direction, time));
        }
        self.finish(capture, options);
    }

    /// Nothing more comes: judges what is left open.
    pub(super) fn finish(&mut self, capture: &mut Capture, options: &Options) {
        if core::mem::replace(&mut self.is_finished, true) {
            return;
        }
        let mut context = self.context(capture, options);
        let Some(end) = context.here().map(|connection| connection.end.clone()) else {
            return;
        };
        let has_ended = end.reset.is_some() || end.finished.iter().any(Option::is_some);
        let switched = context
            .here()
            .and_then(|connection| connection.handshake.as_ref())
            .is_none_or(|handshake| handshake.response.get(9..12) == Some(b"101"));
        if has_ended && switched && end.close.iter().all(Option::is_none) {
            let detail = if end.reset.is_some() {
                "it was reset"
            } else {
                "TCP ended"
            };
            context.report(Rule::CloseMissing, None, Place::Connection, detail);
        }
        let [up, down] = &mut self.ways;
        up.finish(&mut context, down, has_ended);
        down.finish(&mut context, up, has_ended);
    }

    /// Takes a whole message of a source that has no frames.
    pub(super) fn message(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        side: Side,
        provenance: Provenance,
        opcode: u8,
        data: &[u8],
    ) {
        self.touch(capture, provenance.time);
        let direction = self.direction(side);
        let mut context = self.context(capture, options);
        let stream = StreamId::new(context.connection, direction);
        let mut first = None;
        // An empty message has a place too.
        let mut rest = data;
        loop {
            let (run, later) = rest.split_at(rest.len().min(crate::capture::Segments::MAX_LEN));
            let (place, at) = context.keep(run);
            let segments = &mut context.capture.segments;
            let segment = segments.push(stream, place, at, run.len() as u16, &provenance);
            first = first.or(segment);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let Some(segment) = first else {
            return;
        };
        let header = BareHeader {
            fin: true,
            rsv1: false,
            rsv2: false,
            rsv3: false,
            opcode,
            masked: false,
            payload_len: data.len() as u64,
        };
        let Some(number) = context.bare_frame(segment, &header, OnRecord::Message) else {
            return;
        };
        if opcode == 0x1
            && let Err(error) = str::from_utf8(data)
        {
            let at = error.valid_up_to() as u64;
            context.in_header(Rule::InvalidUtf8, direction, number, at..at + 1, "");
        }
        if opcode == 0x8 {
            context.close(direction, number, 0, data);
        }
        if let Some(traffic) = context.traffic(direction) {
            traffic.frames += 1;
            traffic.control_frames += u64::from(opcode & 0x8 != 0);
            traffic.messages += u64::from(opcode & 0x8 == 0);
            traffic.payload_bytes += data.len() as u64;
            if data.len() as u64 > traffic.longest_message {
                traffic.longest_message = data.len() as u64;
                traffic.longest_message_frame = number;
            }
        }
    }

    /// Takes the header of a frame whose payload is not on record.
    pub(super) fn header(
        &mut self,
        capture: &mut Capture,
        options: &Options,
        side: Side,
        provenance: Provenance,
        header: &BareHeader,
    ) {
        self.touch(capture, provenance.time);
        let direction = self.direction(side);
        let mut context = self.context(capture, options);
        let stream = StreamId::new(context.connection, direction);
        let segments = &mut context.capture.segments;
        let segment = segments.push(stream, SegmentPlace::Missing, 0, 0, &provenance);
        let Some(segment) = segment else {
            return;
        };
        let Some(number) = context.bare_frame(segment, header, OnRecord::Header) else {
            return;
        };
        self.ways[direction.index()].bare_header(&mut context, number, header, provenance.time);
    }

    fn touch(&self, capture: &mut Capture, time: Timestamp) {
        capture.touch(time);
        if let Some(connection) = capture.connections.get_mut(self.connection as usize) {
            if !connection.opened.is_known() {
                connection.opened = time;
            }
            connection.last = connection.last.max(time);
        }
    }

    const fn direction(&self, side: Side) -> Direction {
        if side.index() == self.client.index() {
            Direction::ToServer
        } else {
            Direction::ToClient
        }
    }

    fn context<'c>(&self, capture: &'c mut Capture, options: &Options) -> Context<'c> {
        Context {
            capture,
            connection: self.connection,
            deflate: self.deflate,
            is_guessed: self.is_guess,
            kept_bytes: options.kept_bytes as u64,
            findings_per_rule: options.findings_per_rule,
        }
    }
}
