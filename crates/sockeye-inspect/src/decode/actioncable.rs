//! Action Cable of Ruby on Rails: `actioncable-v1-json`.

use super::{
    Fit, json,
    tree::{Stop, Tree},
    value::say_members,
};

const TYPES: [&str; 5] = [
    "welcome",
    "disconnect",
    "ping",
    "confirm_subscription",
    "reject_subscription",
];
const COMMANDS: [&str; 3] = ["subscribe", "unsubscribe", "message"];

pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    json::decode(tree, content)?;
    let word = |key, known: &[&'static str]| {
        let word = tree.text(0, key)?;
        known.iter().copied().find(|known| *known == word)
    };
    let (kind, command) = (word("type", &TYPES), word("command", &COMMANDS));
    let has_message = tree.member(0, "message").is_some();
    let channel = tree.text(0, "identifier").and_then(channel);
    let what = match kind.or(command) {
        Some(what) => what,
        None if has_message && channel.is_some() => "message",
        None => return Err(Stop::Wrong(0, "no message of Action Cable")),
    };
    tree.say(what);
    if let Some(channel) = &channel {
        tree.say(" ");
        tree.say(channel);
    }
    match command {
        Some(_) => say_members(tree, 0, &["data"]),
        None => say_members(tree, 0, &["message", "reason"]),
    }
    Ok(Fit::sure_if(
        channel.is_some() && (command.is_some() || kind.is_some() || has_message),
    ))
}

/// The name of the channel in an identifier, which is JSON in a string.
fn channel(identifier: &str) -> Option<String> {
    let mut tree = Tree::new();
    json::decode(&mut tree, identifier.as_bytes()).ok()?;
    tree.text(0, "channel").map(str::to_owned)
}
