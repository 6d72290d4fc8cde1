//! WAMP v2, in any notation.

use super::{
    Fit, Hints, NodeKind,
    tree::{Stop, Tree},
    value::{Message, Notation, say_members},
};

const fn message(code: u64, name: &'static str, fields: &'static str) -> Message {
    Message { code, name, fields }
}

const MESSAGES: &[Message] = &[
    message(1, "HELLO", "Realm Details"),
    message(2, "WELCOME", "Session Details"),
    message(3, "ABORT", "Details Reason Arguments ArgumentsKw"),
    message(4, "CHALLENGE", "AuthMethod Extra"),
    message(5, "AUTHENTICATE", "Signature Extra"),
    message(6, "GOODBYE", "Details Reason"),
    message(
        8,
        "ERROR",
        "Type Request Details Error Arguments ArgumentsKw",
    ),
    message(16, "PUBLISH", "Request Options Topic Arguments ArgumentsKw"),
    message(17, "PUBLISHED", "Request Publication"),
    message(32, "SUBSCRIBE", "Request Options Topic"),
    message(33, "SUBSCRIBED", "Request Subscription"),
    message(34, "UNSUBSCRIBE", "Request Subscription"),
    message(35, "UNSUBSCRIBED", "Request Details"),
    message(
        36,
        "EVENT",
        "Subscription Publication Details Arguments ArgumentsKw",
    ),
    message(
        48,
        "CALL",
        "Request Options Procedure Arguments ArgumentsKw",
    ),
    message(49, "CANCEL", "Request Options"),
    message(50, "RESULT", "Request Details Arguments ArgumentsKw"),
    message(64, "REGISTER", "Request Options Procedure"),
    message(65, "REGISTERED", "Request Registration"),
    message(66, "UNREGISTER", "Request Registration"),
    message(67, "UNREGISTERED", "Request Details"),
    message(
        68,
        "INVOCATION",
        "Request Registration Details Arguments ArgumentsKw",
    ),
    message(69, "INTERRUPT", "Request Options"),
    message(70, "YIELD", "Request Options Arguments ArgumentsKw"),
];

pub(super) fn decode(tree: &mut Tree, content: &[u8], hints: &Hints<'_>) -> Result<Fit, Stop> {
    let notation = match (hints.subprotocol, content.first()) {
        (Some(name), _) if name.starts_with("wamp.2.cbor") => Notation::Cbor,
        (_, Some(b'[' | b' ' | b'\n')) => Notation::Json,
        _ => Notation::MessagePack,
    };
    let root = notation.whole(tree, content, "")?;
    let known = Message::of(MESSAGES, tree, root)
        .filter(|_| tree.nodes[root].kind == NodeKind::Array)
        .ok_or(Stop::Wrong(0, "no message type of WAMP"))?;
    known.name_elements(tree, root);
    if known.code == 8
        && let Some(kind) = tree.member_index(root, "Type")
        && let Some(of) = MESSAGES
            .iter()
            .find(|message| Some(message.code) == super::value::number(&tree.nodes[kind]))
    {
        super::value::rename(tree, kind, "Type", of.name);
    }
    tree.say(known.name);
    say_members(
        tree,
        root,
        &[
            "Realm",
            "Session",
            "AuthMethod",
            "Error",
            "Reason",
            "Topic",
            "Procedure",
            "Subscription",
            "Registration",
            "Arguments",
            "ArgumentsKw",
        ],
    );
    if let Some(request) = tree.member(root, "Request") {
        let request = [" #", &request.value].concat();
        tree.say(&request);
    }
    // The first two messages say what both sides can do: nobody else does that.
    let details = tree.member_index(root, "Details");
    let has_roles = details.is_some_and(|details| tree.member(details, "roles").is_some());
    Ok(Fit::sure_if(has_roles))
}
