//! GraphQL over WebSocket: `graphql-transport-ws`, and `graphql-ws` of subscriptions-transport-ws before it.

use super::{
    Fit, NodeKind, json,
    tree::{Stop, Tree},
    value::say_members,
};

/// Types of messages, and whether they say alone that this is GraphQL.
const TYPES: [(&str, bool); 17] = [
    ("connection_init", true),
    ("connection_ack", true),
    ("connection_error", true),
    ("connection_terminate", true),
    ("connection_keep_alive", true),
    ("ka", false),
    ("ping", false),
    ("pong", false),
    ("subscribe", false),
    ("start", false),
    ("next", false),
    ("data", false),
    ("error", false),
    ("complete", false),
    ("stop", false),
    ("subscription_start", true),
    ("subscription_data", true),
];

pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    json::decode(tree, content)?;
    let kind = tree.text(0, "type").unwrap_or_default();
    let Some(&(kind, is_telling)) = TYPES.iter().find(|known| known.0 == kind) else {
        return Err(Stop::Wrong(0, "no message type of GraphQL over WebSocket"));
    };
    tree.say(kind);
    say_members(tree, 0, &["id"]);
    let Some(payload) = tree.member_index(0, "payload") else {
        return Ok(Fit::sure_if(is_telling));
    };
    let query = tree.text(payload, "query").map(|query| {
        // The query in one line: what stands between braces is often spread over many.
        let words: Vec<&str> = query.split_whitespace().take(40).collect();
        words.join(" ")
    });
    say_members(tree, payload, &["operationName"]);
    if let Some(query) = &query {
        tree.say(" ");
        tree.say(query);
    } else if tree.member(payload, "errors").is_some() {
        say_members(tree, payload, &["errors"]);
    } else if tree.member(payload, "data").is_some() {
        say_members(tree, payload, &["data"]);
    } else if matches!(kind, "error" | "connection_error") {
        say_members(tree, 0, &["payload"]);
    }
    let has_id = tree.member(0, "id").is_some();
    let is_operation = match kind {
        "subscribe" | "start" => query.is_some(),
        "next" | "data" => tree
            .member(payload, "data")
            .is_some_and(|data| matches!(data.kind, NodeKind::Object | NodeKind::Null)),
        _ => false,
    };
    Ok(Fit::sure_if(is_telling || has_id && is_operation))
}
