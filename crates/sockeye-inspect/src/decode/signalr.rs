//! SignalR: the hub protocol of ASP.NET Core in JSON and MessagePack, and the protocol of ASP.NET before it.

use super::{
    Fit, NodeKind,
    cursor::Cursor,
    json, msgpack,
    tree::{Stop, Tree},
    value::{Message, number, rename, say_members, say_value},
};

/// Ends a message in JSON.
const SEPARATOR: u8 = 0x1E;

const fn message(code: u64, name: &'static str, fields: &'static str) -> Message {
    Message { code, name, fields }
}

const MESSAGES: &[Message] = &[
    message(
        1,
        "Invocation",
        "headers invocationId target arguments streamIds",
    ),
    message(2, "StreamItem", "headers invocationId item"),
    message(3, "Completion", "headers invocationId resultKind result"),
    message(
        4,
        "StreamInvocation",
        "headers invocationId target arguments streamIds",
    ),
    message(5, "CancelInvocation", "headers invocationId"),
    message(6, "Ping", ""),
    message(7, "Close", "error allowReconnect"),
    message(8, "Ack", "sequenceId"),
    message(9, "Sequence", "sequenceId"),
];

pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    match content.first() {
        Some(b'{') if content.last() == Some(&SEPARATOR) || content.contains(&SEPARATOR) => {
            records(tree, content)
        }
        Some(b'{') => old(tree, content),
        _ => packed(tree, content),
    }
}

/// Messages in JSON, each with the separator behind it.
fn records(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    let mut at = 0;
    let mut fit = Fit::Sure;
    while at < content.len() {
        let end = content[at..]
            .iter()
            .position(|&byte| byte == SEPARATOR)
            .map(|len| at + len)
            .ok_or(Stop::Wrong(content.len(), "the separator 0x1e is missing"))?;
        if at > 0 {
            tree.say("; ");
        }
        let root = tree.nodes.len();
        let behind = json::walk(tree, &content[..end], at, String::new())?;
        if json::skip_space(&content[..end], behind) < end {
            return Err(Stop::Wrong(behind, "something follows the message"));
        }
        let kind = tree.member_index(root, "type");
        let code = kind.and_then(|kind| number(&tree.nodes[kind]));
        let known = MESSAGES.iter().find(|message| Some(message.code) == code);
        match (known, kind) {
            (Some(known), Some(kind)) => {
                rename(tree, kind, "type", known.name);
                tree.say(known.name);
                say(tree, root);
            }
            _ if tree.member(root, "protocol").is_some() => {
                tree.say("handshake");
                say_members(tree, root, &["protocol", "version"]);
            }
            _ if kind.is_none() => {
                tree.say("handshake response");
                say_members(tree, root, &["error"]);
            }
            _ => {
                tree.say("message of unknown type");
                fit = Fit::Possible;
            }
        }
        at = end + 1;
    }
    Ok(fit)
}

/// What a message is about.
fn say(tree: &mut Tree, root: usize) {
    say_members(
        tree,
        root,
        &[
            "target",
            "arguments",
            "item",
            "result",
            "error",
            "sequenceId",
        ],
    );
    if let Some(id) = tree.text(root, "invocationId") {
        let id = [" #", id].concat();
        tree.say(&id);
    }
}

/// Messages in MessagePack, each with its length before it.
fn packed(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    let mut cursor = Cursor::new(content, 0);
    while !cursor.is_at_end() {
        if cursor.at > 0 {
            tree.say("; ");
        }
        let len = cursor.varint(5)?;
        let start = cursor.at;
        cursor.take(len, "a message is cut off")?;
        let root = tree.nodes.len();
        let end = msgpack::walk(tree, &content[..cursor.at], start, String::new())?;
        let known = Message::of(MESSAGES, tree, root)
            .ok_or(Stop::Wrong(start, "no message type of SignalR"))?;
        if end < cursor.at {
            return Err(Stop::Wrong(end, "something follows the message"));
        }
        known.name_elements(tree, root);
        if known.code == 3 {
            name_completion(tree, root);
        }
        tree.say(known.name);
        say(tree, root);
    }
    match content.is_empty() {
        true => Err(Stop::Wrong(0, "there is no message")),
        false => Ok(Fit::Sure),
    }
}

/// What a completion has depends on its result kind: an error, nothing, or a result.
fn name_completion(tree: &mut Tree, root: usize) {
    let Some(kind) = tree.member_index(root, "resultKind") else {
        return;
    };
    let (name, label) = match number(&tree.nodes[kind]) {
        Some(1) => ("error", "error"),
        Some(2) => ("no result", "result"),
        Some(3) => ("result", "result"),
        _ => return,
    };
    if let Some(result) = tree.member_index(root, "result") {
        label.clone_into(&mut tree.nodes[result].label);
    }
    rename(tree, kind, "resultKind", name);
}

/// ASP.NET SignalR: `{"H":hub,"M":method,"A":[…],"I":0}` to the server, `{"C":…,"M":[…]}` and `{"R":…,"I":"0"}` to the client.
fn old(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    json::decode(tree, content)?;
    let calls: Vec<usize> = match tree.member_index(0, "M") {
        Some(list) if tree.nodes[list].kind == NodeKind::Array => tree.children(list).collect(),
        Some(_) => vec![0],
        None => Vec::new(),
    };
    for (index, &call) in calls.iter().enumerate() {
        if index > 0 {
            tree.say("; ");
        }
        if let Some(hub) = tree.text(call, "H") {
            let hub = [hub, "."].concat();
            tree.say(&hub);
        }
        if let Some(method) = tree.text(call, "M") {
            let method = method.to_owned();
            tree.say(&method);
        }
        if let Some(arguments) = tree.member_index(call, "A") {
            say_value(tree, arguments);
        }
    }
    for (key, name) in [
        ("H", "hub"),
        ("M", "method"),
        ("A", "arguments"),
        ("I", "invocation"),
        ("C", "cursor"),
        ("R", "result"),
        ("E", "error"),
        ("S", "initialised"),
        ("G", "groups token"),
    ] {
        for parent in [0].into_iter().chain(calls.iter().copied()) {
            if let Some(node) = tree.member_index(parent, key) {
                let name = match (key, tree.nodes[node].kind) {
                    ("M", NodeKind::Array) => "messages",
                    _ => name,
                };
                tree.nodes[node].label = [key, " (", name, ")"].concat();
            }
        }
    }
    if tree.summary.is_empty() {
        if tree.nodes.len() == 1 {
            tree.say("keep-alive");
        } else {
            tree.say_node(0);
        }
    }
    Ok(Fit::Possible)
}
