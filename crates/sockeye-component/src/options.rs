//! The resources `upgrade-options` and `dial-options`.

use core::{cell::RefCell, time::Duration};
use std::sync::Arc;

use sockeye::{
    AcceptSettings, DialOptions, DialSettings, Options, OriginPolicy, PerMessageDeflate, Role,
    UpgradeOptions, WindowBits,
};

use crate::{
    bindings::exports::sockeye::websocket::options::{
        self as wit, Deflate, Delivery, Header, InvalidOption, Limits, Timeouts,
    },
    convert,
};

/// What connections share with the options they began with.
#[derive(Clone)]
pub(crate) struct Shared<S> {
    pub(crate) session: Arc<S>,
    /// Bytes waiting to be written above which nothing more is read or sent.
    pub(crate) output: usize,
}

impl<S: Clone> Shared<S> {
    fn new(session: S) -> RefCell<Self> {
        RefCell::new(Self {
            session: Arc::new(session),
            output: OUTPUT,
        })
    }
}

const OUTPUT: usize = 1 << 20;

/// `upgrade-options`. Connections share the settings they began with.
pub(crate) struct Upgrade(RefCell<Shared<AcceptSettings>>);

impl Upgrade {
    pub(crate) fn settings(&self) -> Shared<AcceptSettings> {
        self.0.borrow().clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut AcceptSettings) -> T) -> T {
        change(Arc::make_mut(&mut self.0.borrow_mut().session))
    }
}

impl wit::GuestUpgradeOptions for Upgrade {
    fn new() -> Self {
        Self(Shared::new(AcceptSettings::new(UpgradeOptions::new())))
    }

    fn set_subprotocols(&self, values: Vec<String>) -> Result<(), InvalidOption> {
        self.change(|settings| settings.handshake.set_subprotocols(values))
            .map_err(|error| error.to_string())
    }

    fn set_origins(&self, policy: wit::OriginPolicy) -> Result<(), InvalidOption> {
        let policy = match policy {
            wit::OriginPolicy::SameHost => OriginPolicy::SameHost,
            wit::OriginPolicy::Allow(patterns) => {
                OriginPolicy::allow(patterns).map_err(|error| error.to_string())?
            }
            wit::OriginPolicy::Any => OriginPolicy::Any,
        };
        self.change(|settings| settings.handshake.origins = policy);
        Ok(())
    }

    fn set_headers(&self, fields: Vec<Header>) -> Result<(), InvalidOption> {
        let headers = convert::extra_headers(fields)?;
        self.change(|settings| settings.handshake.headers = headers);
        Ok(())
    }

    fn set_deflate(&self, value: Option<Deflate>) -> Result<(), InvalidOption> {
        let deflate = value
            .map(|value| deflate(Role::Server, value))
            .transpose()?;
        self.change(|settings| settings.handshake.deflate = deflate);
        Ok(())
    }

    fn set_limits(&self, value: Limits) -> Result<(), InvalidOption> {
        let output = size(value.output)?;
        self.change(|settings| {
            set_limits(value, &mut settings.connection)?;
            settings.handshake.head_size = value.head_size as usize;
            settings.handshake.max_headers = value.headers as usize;
            Ok::<_, InvalidOption>(())
        })?;
        self.0.borrow_mut().output = output;
        Ok(())
    }

    fn set_timeouts(&self, value: Timeouts) {
        self.change(|settings| {
            settings.handshake.timeout = value.handshake.map(Duration::from_nanos);
            set_timeouts(value, &mut settings.connection);
        });
    }

    fn set_delivery(&self, value: Delivery) {
        self.change(|settings| set_delivery(value, &mut settings.connection, &mut settings.echo));
    }

    fn set_ask(&self, value: bool) {
        self.change(|settings| settings.ask = value);
    }

    fn limits(&self) -> Limits {
        let Shared { session, output } = self.settings();
        let handshake = &session.handshake;
        limits(
            &session.connection,
            output,
            handshake.head_size,
            handshake.max_headers,
        )
    }

    fn timeouts(&self) -> Timeouts {
        let settings = self.settings().session;
        timeouts(&settings.connection, settings.handshake.timeout)
    }
}

/// `dial-options`.
pub(crate) struct Dial(RefCell<Shared<DialSettings>>);

impl Dial {
    pub(crate) fn settings(&self) -> Shared<DialSettings> {
        self.0.borrow().clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut DialSettings) -> T) -> T {
        change(Arc::make_mut(&mut self.0.borrow_mut().session))
    }
}

impl wit::GuestDialOptions for Dial {
    fn create(host: String, target: String) -> Result<wit::DialOptions, InvalidOption> {
        let handshake = DialOptions::new(host, target).map_err(|error| error.to_string())?;
        let settings = Shared::new(DialSettings::new(handshake));
        Ok(wit::DialOptions::new(Self(settings)))
    }

    fn set_subprotocols(&self, values: Vec<String>) -> Result<(), InvalidOption> {
        self.change(|settings| settings.handshake.set_subprotocols(values))
            .map_err(|error| error.to_string())
    }

    fn set_origin(&self, value: Option<String>) -> Result<(), InvalidOption> {
        self.change(|settings| settings.handshake.set_origin(value))
            .map_err(|error| error.to_string())
    }

    fn set_headers(&self, fields: Vec<Header>) -> Result<(), InvalidOption> {
        let headers = convert::extra_headers(fields)?;
        self.change(|settings| settings.handshake.headers = headers);
        Ok(())
    }

    fn set_deflate(&self, value: Option<Deflate>) -> Result<(), InvalidOption> {
        let deflate = value
            .map(|value| deflate(Role::Client, value))
            .transpose()?;
        self.change(|settings| settings.handshake.deflate = deflate);
        Ok(())
    }

    fn set_limits(&self, value: Limits) -> Result<(), InvalidOption> {
        let output = size(value.output)?;
        self.change(|settings| {
            set_limits(value, &mut settings.connection)?;
            settings.handshake.head_size = value.head_size as usize;
            settings.handshake.max_headers = value.headers as usize;
            Ok::<_, InvalidOption>(())
        })?;
        self.0.borrow_mut().output = output;
        Ok(())
    }

    fn set_timeouts(&self, value: Timeouts) {
        self.change(|settings| {
            settings.handshake.timeout = value.handshake.map(Duration::from_nanos);
            set_timeouts(value, &mut settings.connection);
        });
    }

    fn set_delivery(&self, value: Delivery) {
        self.change(|settings| set_delivery(value, &mut settings.connection, &mut settings.echo));
    }

    fn limits(&self) -> Limits {
        let Shared { session, output } = self.settings();
        let handshake = &session.handshake;
        limits(
            &session.connection,
            output,
            handshake.head_size,
            handshake.max_headers,
        )
    }

    fn timeouts(&self) -> Timeouts {
        let settings = self.settings().session;
        timeouts(&settings.connection, settings.handshake.timeout)
    }
}

fn deflate(role: Role, value: Deflate) -> Result<PerMessageDeflate, InvalidOption> {
    if value.level > 9 {
        return Err(format!("compression level {} is not 0 to 9", value.level));
    }
    let bits = |bits| {
        WindowBits::new(bits).ok_or_else(|| format!("a window of {bits} bits is not 8 to 15"))
    };
    let mut deflate = PerMessageDeflate::new(role);
    deflate.level = value.level;
    deflate.threshold = value.threshold as usize;
    deflate.server_max_window_bits = bits(value.server_max_window_bits)?;
    deflate.client_max_window_bits = bits(value.client_max_window_bits)?;
    deflate.server_no_context_takeover = value.server_no_context_takeover;
    deflate.client_no_context_takeover = value.client_no_context_takeover;
    Ok(deflate)
}

fn size(bytes: u64) -> Result<usize, InvalidOption> {
    usize::try_from(bytes).map_err(|_| format!("{bytes} bytes exceed the component's memory"))
}

fn set_limits(value: Limits, options: &mut Options) -> Result<(), InvalidOption> {
    options.limits.message_size = size(value.message_size)?;
    options.limits.frame_size = value.frame_size;
    options.limits.fragments = value.fragments;
    Ok(())
}

fn limits(options: &Options, output: usize, head_size: usize, headers: usize) -> Limits {
    Limits {
        message_size: options.limits.message_size as u64,
        frame_size: options.limits.frame_size,
        fragments: options.limits.fragments,
        output: output as u64,
        head_size: head_size as u32,
        headers: headers as u32,
    }
}

fn set_timeouts(value: Timeouts, options: &mut Options) {
    options.timeouts.ping_interval = value.ping_interval.map(Duration::from_nanos);
    options.timeouts.pong = value.pong.map(Duration::from_nanos);
    options.timeouts.close = value.close.map(Duration::from_nanos);
    options.timeouts.message = value.message.map(Duration::from_nanos);
}

fn timeouts(options: &Options, handshake: Option<Duration>) -> Timeouts {
    let nanos = |time: Option<Duration>| time.map(convert::instant);
    Timeouts {
        handshake: nanos(handshake),
        ping_interval: nanos(options.timeouts.ping_interval),
        pong: nanos(options.timeouts.pong),
        close: nanos(options.timeouts.close),
        message: nanos(options.timeouts.message),
    }
}

fn set_delivery(value: Delivery, options: &mut Options, echo: &mut bool) {
    *echo = matches!(value, Delivery::Echo);
    options.delivery = match value {
        Delivery::Parts => sockeye::Delivery::Parts,
        Delivery::Messages | Delivery::Echo => sockeye::Delivery::Messages,
    };
}
