//! How connections behave, set one by one.

use core::cell::OnceCell;
use core::time::Duration;
use std::sync::Arc;

use sockeye::{
    AcceptSettings, Delivery, DialOptions, DialSettings, InvalidOption, Options, OriginPolicy,
    PerMessageDeflate, Role, UpgradeOptions, WindowBits,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{describe, io};

/// How connections of one role behave.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RawSettings {
    role: Role,
    ask: bool,
    timeout: Option<Duration>,
    pub(crate) connection: Options,
    deflate: Option<PerMessageDeflate>,
    subprotocols: Vec<String>,
    origins: Vec<String>,
    any_origin: bool,
    host: String,
    target: String,
    accept: OnceCell<Arc<AcceptSettings>>,
    dial: OnceCell<Arc<DialSettings>>,
}

#[wasm_bindgen]
impl RawSettings {
    /// The defaults of this role.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(is_server: bool) -> Self {
        let role = if is_server {
            Role::Server
        } else {
            Role::Client
        };
        let mut connection = Options::new(role);
        connection.delivery = Delivery::Parts;
        connection.limits.parts_size = connection.limits.message_size as u64;
        Self {
            role,
            ask: false,
            timeout: Some(Duration::from_secs(if is_server { 10 } else { 45 })),
            connection,
            deflate: None,
            subprotocols: Vec::new(),
            origins: Vec::new(),
            any_origin: false,
            host: "localhost".to_owned(),
            target: "/".to_owned(),
            accept: OnceCell::new(),
            dial: OnceCell::new(),
        }
    }

    /// Sets a number: `options.js` has the names. Returns whether it is one that can be set so.
    pub fn number(&mut self, key: u32, value: f64) -> bool {
        let limits = &mut self.connection.limits;
        let timeouts = &mut self.connection.timeouts;
        let time = (value >= 0.0).then(|| milliseconds(value));
        let is_set = value != 0.0;
        match key {
            0 => {
                limits.message_size = value as usize;
                limits.parts_size = value as u64;
            }
            1 => limits.frame_size = value as u64,
            2 => limits.fragments = value as u32,
            10 => self.timeout = time,
            11 => timeouts.ping_interval = time,
            12 => timeouts.pong = time,
            13 => timeouts.close = time,
            14 => timeouts.message = time,
            20 => self.deflate = is_set.then(|| PerMessageDeflate::new(self.role)),
            30 => self.connection.automatic_pong = is_set,
            32 => self.ask = is_set,
            _ => {
                let Some(deflate) = &mut self.deflate else {
                    return false;
                };
                return set_deflate(deflate, key, value);
            }
        }
        true
    }

    /// Adds the staged subprotocol.
    pub fn subprotocol(&mut self, len: u32) {
        self.subprotocols.push(staged(len));
    }

    /// Allows the staged pattern of origins on a server; on a client, the origin that it sends.
    pub fn origin(&mut self, len: u32) {
        self.origins.push(staged(len));
    }

    /// Allows any origin.
    pub fn any_origin(&mut self) {
        self.any_origin = true;
    }

    /// The staged host is what a client wants.
    pub fn host(&mut self, len: u32) {
        self.host = staged(len);
    }

    /// The staged target is what a client asks for.
    pub fn target(&mut self, len: u32) {
        self.target = staged(len);
    }

    /// Takes the header fields that were staged, and checks everything. Returns the length of what is wrong.
    #[must_use]
    pub fn finish(&self) -> u32 {
        let headers = io::with(|io| core::mem::take(&mut io.headers));
        let outcome = match self.role {
            Role::Server => self.upgrade_options(headers).map(|options| {
                let mut settings = AcceptSettings::new(options);
                settings.connection = self.connection;
                settings.ask = self.ask;
                settings.answer_first = true;
                self.accept.set(Arc::new(settings)).is_ok()
            }),
            Role::Client => self.dial_options(headers).map(|options| {
                let mut settings = DialSettings::new(options);
                settings.connection = self.connection;
                settings.keep_response = true;
                settings.answer_first = true;
                self.dial.set(Arc::new(settings)).is_ok()
            }),
        };
        io::with(|io| io.say(outcome.err().map(describe::option)))
    }
}

/// What both sides are ready to begin with.
pub(crate) enum Finished {
    Accept(Arc<AcceptSettings>),
    Dial(Arc<DialSettings>),
}

impl RawSettings {
    /// The settings; the defaults when they were not finished.
    pub(crate) fn finished(&self) -> Finished {
        match self.role {
            Role::Server => {
                let settings = (self.accept)
                    .get_or_init(|| Arc::new(AcceptSettings::new(UpgradeOptions::new())));
                Finished::Accept(Arc::clone(settings))
            }
            Role::Client => {
                let settings = self.dial.get_or_init(|| {
                    let options = DialOptions::new("localhost", "/").expect("both are valid");
                    Arc::new(DialSettings::new(options))
                });
                Finished::Dial(Arc::clone(settings))
            }
        }
    }

    /// What permessage-deflate is to be where both sides agreed elsewhere.
    pub(crate) const fn deflate(&self) -> Option<PerMessageDeflate> {
        self.deflate
    }

    fn upgrade_options(
        &self,
        headers: sockeye::ExtraHeaders,
    ) -> Result<UpgradeOptions, InvalidOption> {
        let mut options = UpgradeOptions::new();
        options.set_subprotocols(self.subprotocols.iter().cloned())?;
        if self.any_origin {
            options.origins = OriginPolicy::Any;
        } else if !self.origins.is_empty() {
            options.origins = OriginPolicy::allow(&self.origins)?;
        }
        options.deflate = self.deflate;
        options.headers = headers;
        options.timeout = self.timeout;
        Ok(options)
    }

    fn dial_options(&self, headers: sockeye::ExtraHeaders) -> Result<DialOptions, InvalidOption> {
        let mut options = DialOptions::new(&*self.host, &*self.target)?;
        options.set_subprotocols(self.subprotocols.iter().cloned())?;
        options.set_origin(self.origins.first().cloned())?;
        options.deflate = self.deflate;
        options.headers = headers;
        options.timeout = self.timeout;
        Ok(options)
    }
}

fn set_deflate(deflate: &mut PerMessageDeflate, key: u32, value: f64) -> bool {
    let bits = WindowBits::new(value as u8);
    match (key, bits) {
        (21, _) => deflate.level = value as u8,
        (22, _) => deflate.threshold = value as usize,
        (23, _) => deflate.server_no_context_takeover = value != 0.0,
        (24, _) => deflate.client_no_context_takeover = value != 0.0,
        (25, Some(bits)) => deflate.server_max_window_bits = bits,
        (26, Some(bits)) => deflate.client_max_window_bits = bits,
        _ => return false,
    }
    true
}

/// The staged text.
fn staged(len: u32) -> String {
    io::with(|io| io.staged_text(len).to_owned())
}

/// A time in milliseconds. What is not a number is zero.
pub(crate) fn milliseconds(value: f64) -> Duration {
    Duration::from_micros((value * 1000.0) as u64)
}
