//! One flow.

use core::net::SocketAddr;

use super::{Counts, tnetstring::View};
use crate::{
    Timestamp,
    analysis::{Flow, FlowId, Intake, Provenance, Side},
    reader::{
        heads::{self, Fields},
        time,
    },
};

/// From this version on a WebSocket is part of the flow of its request.
const OLDEST: f64 = 12.0;

/// Tells a flow that lies at `offset`, if it is a WebSocket.
pub(super) fn tell(flow: &View<'_>, offset: u64, counts: &mut Counts, intake: &mut dyn Intake) {
    let kind = flow.get("type").and_then(|kind| kind.text());
    let version = flow.get("version").and_then(|version| version.number());
    match kind.as_deref() {
        Some("http") => {}
        // Their messages are in a flow of their own, without the heads.
        Some("websocket") => {
            counts.old += 1;
            return;
        }
        _ => {
            counts.other += 1;
            return;
        }
    }
    let Some(websocket) = flow
        .get("websocket")
        .filter(|value| value.value.kind == b'}')
    else {
        return;
    };
    if version.is_none_or(|version| version < OLDEST) {
        counts.old += 1;
        return;
    }
    let client = flow.get("client_conn");
    let server = flow.get("server_conn");
    let tls = |connection: &Option<View<'_>>| {
        connection
            .as_ref()
            .and_then(|view| view.get("tls")?.boolean())
            == Some(true)
    };
    let id = intake.open(Flow {
        addresses: [
            client
                .as_ref()
                .and_then(|view| address(&view.get("peername")?)),
            server.as_ref().and_then(|view| {
                let peer = view.get("peername").and_then(|name| address(&name));
                peer.or_else(|| address(&view.get("address")?))
            }),
        ],
        first_is_client: true,
        from_start: true,
        decrypted: tls(&client) || tls(&server),
        is_websocket: true,
        client: Some(Side::First),
    });
    tell_handshake(flow, id, intake);
    for message in websocket.get("messages").iter().flat_map(View::items) {
        counts.messages = counts.messages.saturating_add(1);
        if tell_message(&message, id, offset, counts.messages, intake).is_none() {
            counts.broken += 1;
        }
    }
    tell_close(&websocket, id, counts, intake);
    intake.close(id);
}

/// An address as a list of host and port.
fn address(list: &View<'_>) -> Option<SocketAddr> {
    let mut items = list.items();
    let host = items.next()?.text()?;
    let port = items.next()?.number()?;
    heads::address(&host, port as u16)
}

fn tell_handshake(flow: &View<'_>, id: FlowId, intake: &mut dyn Intake) {
    let text = |view: &View<'_>, key: &str| {
        view.get(key)
            .and_then(|value| value.text())
            .unwrap_or_default()
    };
    let when = |view: &View<'_>, key: &str| {
        let seconds = view.get(key).and_then(|value| value.number());
        seconds.map_or(Timestamp::UNKNOWN, time::seconds)
    };
    let Some(request) = flow.get("request") else {
        return;
    };
    let first = format!(
        "{} {} {}",
        text(&request, "method"),
        text(&request, "path"),
        heads::version(&text(&request, "http_version"))
    );
    let mut times = [when(&request, "timestamp_start"), Timestamp::UNKNOWN];
    let head = fields(&request).head(&first);
    let response = flow
        .get("response")
        .filter(|value| value.value.kind == b'}');
    let answer = response.map_or_else(Vec::new, |response| {
        times[1] = when(&response, "timestamp_end");
        let status = response
            .get("status_code")
            .and_then(|status| status.number());
        let first = format!(
            "{} {} {}",
            heads::version(&text(&response, "http_version")),
            status.unwrap_or_default(),
            text(&response, "reason")
        );
        fields(&response).head(&first)
    });
    intake.handshake(id, times, &head, &answer);
}

/// The headers: a list of pairs.
fn fields(message: &View<'_>) -> Fields {
    let mut fields = Fields::default();
    for pair in message.get("headers").iter().flat_map(View::items) {
        let mut pair = pair.items();
        if let (Some(name), Some(value)) = (pair.next(), pair.next()) {
            fields.push(name.payload().to_vec(), value.payload().to_vec());
        }
    }
    fields
}

/// `[opcode, from_client, content, timestamp, dropped, injected]`; the last two are of no use here.
fn tell_message(
    message: &View<'_>,
    id: FlowId,
    offset: u64,
    packet: u32,
    intake: &mut dyn Intake,
) -> Option<()> {
    let mut items = message.items();
    let opcode = items.next()?.number()?;
    let from_client = items.next()?.boolean()?;
    let content = items
        .next()
        .filter(|value| matches!(value.value.kind, b',' | b';'))?;
    let seconds = items.next()?.number()?;
    if !(0.0..16.0).contains(&opcode) {
        return None;
    }
    let provenance = Provenance {
        offset: Some(offset + content.value.payload.start as u64),
        packet,
        time: time::seconds(seconds),
    };
    let side = if from_client {
        Side::First
    } else {
        Side::Second
    };
    intake.message(id, side, provenance, opcode as u8, content.payload());
    Some(())
}

/// The Close that ended it, as far as it is on record: of one side.
fn tell_close(websocket: &View<'_>, id: FlowId, counts: &mut Counts, intake: &mut dyn Intake) {
    let by_client = websocket
        .get("closed_by_client")
        .and_then(|value| value.boolean());
    let code = websocket.get("close_code").and_then(|value| value.number());
    let (Some(by_client), Some(code)) = (by_client, code) else {
        return;
    };
    let mut payload = Vec::new();
    match code as u16 {
        // RFC 6455 §7.4.1: there was no Close frame.
        1006 => return,
        // It had no code.
        1005 => {}
        code => {
            payload.extend_from_slice(&code.to_be_bytes());
            let reason = websocket
                .get("close_reason")
                .and_then(|reason| reason.text());
            payload.extend_from_slice(reason.unwrap_or_default().as_bytes());
        }
    }
    let end = websocket
        .get("timestamp_end")
        .and_then(|value| value.number());
    counts.messages = counts.messages.saturating_add(1);
    let provenance = Provenance {
        offset: None,
        packet: counts.messages,
        time: end.map_or(Timestamp::UNKNOWN, time::seconds),
    };
    let side = if by_client { Side::First } else { Side::Second };
    intake.message(id, side, provenance, 0x8, &payload);
}
