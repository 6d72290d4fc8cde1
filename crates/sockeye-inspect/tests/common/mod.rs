//! Captures made for one test each.
#![allow(dead_code, reason = "each test program uses a part of it")]

use sockeye_inspect::{
    Capture, Direction, Finding, Inspector, Options, Timestamp,
    write::{Conversation, Packet, PcapNgWriter, Section},
};

/// A key that looks random, and its answer.
pub(crate) const KEY: &str = "hUHkmQ1c1Vn3fmgGIvm2Tg==";
pub(crate) const ACCEPT: &str = "kYTTd3RGiOi3rtJt6AENJ0AwA0I=";

/// The opening handshake's request with these further lines.
pub(crate) fn request(extra: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n{extra}\r\n"
    )
}

/// The response that switches protocols with these further lines.
pub(crate) fn response(extra: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n{extra}\r\n"
    )
}

/// A frame whose first byte is `first`; with a key, masked. The length is minimal.
pub(crate) fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(mask | len as u8),
        len @ 126..=0xFFFF => {
            bytes.push(mask | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(mask | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(key.iter().flatten());
    let key = key.unwrap_or_default();
    bytes.extend(
        payload
            .iter()
            .enumerate()
            .map(|(at, byte)| byte ^ key[at % 4]),
    );
    bytes
}

/// What happens on one TCP connection, a packet for each thing said, a millisecond apart.
pub(crate) struct Scene {
    conversation: Conversation,
    packets: Vec<Packet>,
    time: u64,
    next_key: u32,
}

impl Scene {
    /// A connection of TCP.
    pub(crate) fn new() -> Self {
        let mut conversation = Conversation::new(
            "10.0.0.1:50000".parse().expect("an address"),
            "10.0.0.2:80".parse().expect("an address"),
        );
        let time = 1_700_000_000_000_000_000;
        let packets = conversation.open(Timestamp::from_nanos(time));
        Self {
            conversation,
            packets,
            time,
            next_key: 0x1234_5678,
        }
    }

    /// A connection that has shaken hands, without extensions.
    pub(crate) fn shaken() -> Self {
        Self::shaken_with("", "")
    }

    /// A connection that has shaken hands with these further lines.
    pub(crate) fn shaken_with(offer: &str, answer: &str) -> Self {
        let mut scene = Self::new();
        scene.client(request(offer).as_bytes());
        scene.server(response(answer).as_bytes());
        scene
    }

    /// A connection with permessage-deflate with these parameters, such as `; server_no_context_takeover`.
    pub(crate) fn deflated(parameters: &str) -> Self {
        let line = format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}\r\n");
        let offer = if parameters.contains("client_max_window_bits") {
            line.clone()
        } else {
            line.replace('\r', "; client_max_window_bits\r")
        };
        Self::shaken_with(&offer, &line)
    }

    pub(crate) fn now(&mut self) -> Timestamp {
        self.time += 1_000_000;
        Timestamp::from_nanos(self.time)
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.time += milliseconds * 1_000_000;
    }

    /// Bytes of the client.
    pub(crate) fn client(&mut self, bytes: &[u8]) {
        let time = self.now();
        self.packets
            .extend(self.conversation.send(Direction::ToServer, time, bytes));
    }

    /// Bytes of the server.
    pub(crate) fn server(&mut self, bytes: &[u8]) {
        let time = self.now();
        self.packets
            .extend(self.conversation.send(Direction::ToClient, time, bytes));
    }

    /// A frame of the client, masked with a fresh key.
    pub(crate) fn client_frame(&mut self, first: u8, payload: &[u8]) {
        self.next_key = self
            .next_key
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        let key = self.next_key.to_be_bytes();
        self.client(&frame(first, Some(key), payload));
    }

    /// A frame of the server.
    pub(crate) fn server_frame(&mut self, first: u8, payload: &[u8]) {
        self.server(&frame(first, None, payload));
    }

    /// Bytes that are sent and not captured.
    pub(crate) fn lose(&mut self, direction: Direction, len: u32) {
        self.conversation.lose(direction, len);
    }

    /// The closing handshake, begun by the client, and the end of TCP, begun by the server.
    pub(crate) fn close(&mut self) {
        self.client_frame(0x88, &[0x03, 0xE8]);
        self.server_frame(0x88, &[0x03, 0xE8]);
        self.finish(Direction::ToClient);
        self.finish(Direction::ToServer);
    }

    /// FIN.
    pub(crate) fn finish(&mut self, direction: Direction) {
        let time = self.now();
        self.packets
            .extend(self.conversation.finish(direction, time));
    }

    /// RST.
    pub(crate) fn reset(&mut self, direction: Direction) {
        let time = self.now();
        self.packets.push(self.conversation.reset(direction, time));
    }

    /// Takes packets away, or orders them anew.
    pub(crate) fn packets(&mut self) -> &mut Vec<Packet> {
        &mut self.packets
    }

    /// The capture as a file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut writer =
            PcapNgWriter::new(Vec::new(), &Section::default()).expect("a vector takes all");
        let interface = writer.interface(1, "eth0").expect("a vector takes all");
        for packet in &self.packets {
            writer
                .packet(interface, packet.time, &packet.data, None)
                .expect("a vector takes all");
        }
        writer.into_inner()
    }

    /// What the inspector finds, read in one piece and byte by byte alike.
    pub(crate) fn inspect(&self) -> (Vec<u8>, Capture) {
        let file = self.file();
        let capture = inspect(&file);
        (file, capture)
    }

    /// The findings as `rule detail`.
    pub(crate) fn findings(&self) -> Vec<String> {
        self.inspect().1.findings().iter().map(words).collect()
    }
}

/// What the inspector finds in a file.
pub(crate) fn inspect(file: &[u8]) -> Capture {
    inspect_with(file, Options::default())
}

/// What the inspector finds in a file, with these options.
pub(crate) fn inspect_with(file: &[u8], options: Options) -> Capture {
    let mut inspector = Inspector::new(options);
    inspector.push(&mut file.to_vec());
    inspector.finish()
}

/// A finding in words.
pub(crate) fn words(finding: &Finding) -> String {
    let id = finding.rule.id();
    if finding.detail.is_empty() {
        id.to_owned()
    } else {
        format!("{id}: {}", finding.detail)
    }
}
