//! The native core's echo loop in memory.

use sockeye::{
    Connection, DeflateParameters, Event, Options, Role, ServerHandshake, UpgradeOptions,
};

use super::{
    Echo,
    stream::{CHUNK, Stream},
};
use crate::payload::{Case, Compression};

/// The core with a read buffer of one chunk, and one write for all that a read gave rise to.
pub struct Core {
    connection: Connection,
    stream: Stream,
    buffer: Box<[u8]>,
    out: Vec<u8>,
}

impl Core {
    pub fn new(case: Case, stream: Stream) -> Self {
        let mut options = Options::new(Role::Server);
        let deflate = case.kind.is_deflated().then(|| agree(&mut options));
        // A server draws no masking keys.
        let connection = Connection::new(Role::Server, &options, deflate, |bytes| bytes.fill(0x5A));
        Self {
            connection,
            stream,
            buffer: vec![0; CHUNK].into(),
            out: Vec::new(),
        }
    }
}

/// From this length on, a payload is not copied behind its header. fastwebsockets does so from 1 KiB on.
const VECTORED: usize = 4096;

impl Echo for Core {
    fn run(&mut self, messages: usize) -> usize {
        let mut echoed = 0;
        while echoed < messages {
            let len = self.stream.take(&mut self.buffer);
            let mut input = &mut self.buffer[..len];
            while let Some(event) = self
                .connection
                .receive(&mut input, &mut self.out)
                .expect("the feed is valid")
            {
                if let Event::Message(message) = event {
                    echoed += 1;
                    if message.as_bytes().len() < VECTORED {
                        let sent = self.connection.send(message, &mut self.out);
                        sent.expect("the connection is open");
                        continue;
                    }
                    // As one vectored write.
                    let sent = self.connection.send_vectored(&message, &mut self.out);
                    let payload = sent.expect("the connection is open");
                    self.stream.give(&self.out);
                    self.stream.give(payload);
                    self.out.clear();
                }
            }
            self.stream.give(&self.out);
            self.out.clear();
        }
        echoed
    }
}

/// Level 6, 15 bits, no context takeover, as everybody else has them here; agreed on in a handshake.
fn agree(options: &mut Options) -> DeflateParameters {
    options.deflate = crate::peers::sockeye_deflate(Compression::NoContextTakeover);
    let mut upgrade = UpgradeOptions::new();
    upgrade.deflate = Some(options.deflate);
    let request = crate::load::request("bench", Compression::NoContextTakeover);
    let request = ServerHandshake::new().receive(&mut request.as_bytes(), &upgrade);
    let request = request
        .expect("the request is valid")
        .expect("the request is whole");
    let agreement = request
        .accept(&upgrade, &mut Vec::new())
        .expect("the request is acceptable");
    agreement.deflate.expect("the request offers compression")
}
