//! OCPP-J 1.6, 2.0.1 and 2.1: calls and what answers them.

use super::{
    Fit, NodeKind, json,
    tree::{Stop, Tree},
    value::{Message, say_members},
};

const fn message(code: u64, name: &'static str, fields: &'static str) -> Message {
    Message { code, name, fields }
}

const MESSAGES: &[Message] = &[
    message(2, "CALL", "id action payload"),
    message(3, "CALLRESULT", "id payload"),
    message(4, "CALLERROR", "id errorCode errorDescription errorDetails"),
    message(
        5,
        "CALLRESULTERROR",
        "id errorCode errorDescription errorDetails",
    ),
    message(6, "SEND", "id action payload"),
];

/// Actions that nothing but a charging station has; the others are recognised by the subprotocol.
const ACTIONS: [&str; 24] = [
    "Authorize",
    "BootNotification",
    "CancelReservation",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearChargingProfile",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "GetBaseReport",
    "GetConfiguration",
    "GetVariables",
    "Heartbeat",
    "MeterValues",
    "NotifyEvent",
    "NotifyReport",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "SetChargingProfile",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
    "TransactionEvent",
];

pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    json::decode(tree, content)?;
    let wrong = Stop::Wrong(
        0,
        "no message of OCPP, which is an array of type, id and more",
    );
    let known = Message::of(MESSAGES, tree, 0).ok_or(wrong)?;
    let id = tree.children(0).nth(1).ok_or(wrong)?;
    if tree.nodes[0].kind != NodeKind::Array || tree.nodes[id].kind != NodeKind::String {
        return Err(wrong);
    }
    known.name_elements(tree, 0);
    tree.say(known.name);
    say_members(
        tree,
        0,
        &["action", "errorCode", "errorDescription", "payload"],
    );
    let id = [" #", &tree.nodes[id].value].concat();
    tree.say(&id);
    let action = tree.text(0, "action").unwrap_or_default();
    Ok(Fit::sure_if(ACTIONS.contains(&action)))
}
