mod json_protocols;
mod mqtt;
mod notations;
mod robustness;
mod signalr;
mod socket_io;
mod support;
mod text_protocols;

use support::Message;

use super::*;
