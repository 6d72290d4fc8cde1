//! MQTT 3.1.1 and 5, and 3.1 where that is the same.
//!
//! Only CONNECT says which version a connection has. For the other packets it is found out by what fits.

mod codes;
mod properties;

use super::{
    Fit, NodeKind,
    cursor::Cursor,
    preview::printable,
    tree::{Stop, Tree, text_value},
    value::payload,
};

const TYPES: [&str; 16] = [
    "reserved",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
];

/// A packet without its fixed header.
#[derive(Debug)]
struct Packet<'t, 'a> {
    tree: &'t mut Tree,
    cursor: Cursor<'a>,
    kind: u8,
    flags: u8,
    is_version_5: bool,
}

/// Decodes the packets of a message.
pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    let mut cursor = Cursor::new(content, 0);
    let mut fit = Fit::Possible;
    while !cursor.is_at_end() {
        let start = cursor.at;
        let first = cursor.byte()?;
        let (kind, flags) = (first >> 4, first & 0xF);
        let name = TYPES[usize::from(kind)];
        // MQTT 5 §2.1.3: the flags of all packets but PUBLISH are fixed.
        let is_known = match kind {
            0 => false,
            3 => flags >> 1 & 3 != 3,
            6 | 8 | 10 => flags == 2,
            _ => flags == 0,
        };
        if !is_known {
            return Err(Stop::Wrong(
                start,
                "no packet of MQTT begins with this byte",
            ));
        }
        let len = cursor.varint(4)?;
        if start > 0 {
            tree.say("; ");
        }
        tree.say(name);
        let root = tree.open(name.to_owned(), NodeKind::Object, start)?;
        let body = cursor.at;
        let available = cursor.rest().len();
        let whole = cursor.take(len, "").is_ok();
        let end = match whole {
            true => cursor.at,
            false => content.len(),
        };
        let mut value = first.to_string();
        value.push_str(flag_names(kind, flags));
        let mut result = tree
            .field("type and flags", value, NodeKind::Number, start..start + 1)
            .and_then(|_| {
                let len = len.to_string();
                tree.field("remaining length", len, NodeKind::Number, start + 1..body)
            })
            .map(drop);
        if result.is_ok() {
            let inner = Cursor::new(&content[..end], body);
            result = packet(tree, inner, kind, flags).map(|is_telling| {
                if is_telling && start == 0 {
                    fit = Fit::Sure;
                }
            });
        }
        if !whole && !matches!(result, Err(Stop::Full)) {
            let missing = [
                &(len - available as u64).to_string(),
                " bytes are in the next message",
            ]
            .concat();
            tree.field(
                "goes on",
                missing,
                NodeKind::Note,
                content.len()..content.len(),
            )?;
            result = Err(Stop::Wrong(
                content.len(),
                "a packet goes on in the next message",
            ));
        }
        tree.close(root, String::new(), end);
        result?;
        cursor.at = end;
    }
    match content.is_empty() {
        true => Err(Stop::Wrong(0, "there is no packet")),
        false => Ok(fit),
    }
}

fn flag_names(kind: u8, flags: u8) -> &'static str {
    const NAMES: [&str; 16] = [
        "",
        ", retain",
        ", QoS 1",
        ", QoS 1, retain",
        ", QoS 2",
        ", QoS 2, retain",
        "",
        "",
        ", duplicate",
        ", duplicate, retain",
        ", duplicate, QoS 1",
        ", duplicate, QoS 1, retain",
        ", duplicate, QoS 2",
        ", duplicate, QoS 2, retain",
        "",
        "",
    ];
    match kind {
        3 => NAMES[usize::from(flags & 0xF)],
        _ => "",
    }
}

/// Decodes what follows the fixed header, as the version in which it fits. Returns whether it can be nothing but MQTT.
fn packet(tree: &mut Tree, cursor: Cursor<'_>, kind: u8, flags: u8) -> Result<bool, Stop> {
    let len = cursor.rest().len();
    let first_is_5 = match kind {
        // CONNACK has two bytes in version 3.1.1, and more with properties.
        2 => len > 2,
        3 => has_properties(cursor, flags),
        4..=7 | 14 | 15 => true,
        9 | 11 => len > 3,
        _ => false,
    };
    let (nodes, said) = (tree.nodes.len(), tree.summary.len());
    let mut packet = Packet {
        tree,
        cursor,
        kind,
        flags,
        is_version_5: first_is_5,
    };
    let result = packet.body();
    if result.is_ok() || result == Err(Stop::Full) || matches!(kind, 1 | 3) {
        return result;
    }
    packet.tree.nodes.truncate(nodes);
    packet.tree.summary.truncate(said);
    packet.cursor = cursor;
    packet.is_version_5 = !first_is_5;
    packet.body()
}

/// Whether a PUBLISH has properties, that is, is of version 5: where they should be is something that can be properties.
fn has_properties(mut cursor: Cursor<'_>, flags: u8) -> bool {
    let result = cursor.big_endian(2).and_then(|len| {
        cursor.take(len, "")?;
        if flags & 6 != 0 {
            cursor.take(2, "")?;
        }
        properties::walk(&mut Tree::new(), &mut cursor, 3)
    });
    result.is_ok()
}

impl Packet<'_, '_> {
    fn body(&mut self) -> Result<bool, Stop> {
        match self.kind {
            1 => return self.connect(),
            2 => {
                self.number("session present", 1)?;
                self.reason()?;
                self.properties()?;
            }
            3 => self.publish()?,
            4..=7 => {
                self.packet_identifier()?;
                // MQTT 5 §3.4.2.1: without a reason code it is 0.
                if !self.cursor.is_at_end() {
                    self.reason()?;
                }
                if !self.cursor.is_at_end() {
                    self.properties()?;
                }
            }
            8 | 10 => self.subscriptions()?,
            9 | 11 => {
                self.packet_identifier()?;
                self.properties()?;
                if self.cursor.is_at_end() && (self.kind == 9 || self.is_version_5) {
                    return Err(Stop::Wrong(self.cursor.at, "the reason codes are missing"));
                }
                while !self.cursor.is_at_end() {
                    self.reason()?;
                }
            }
            14 | 15 => {
                if !self.cursor.is_at_end() {
                    self.reason()?;
                }
                if !self.cursor.is_at_end() {
                    self.properties()?;
                }
            }
            _ => {}
        }
        if self.cursor.is_at_end() {
            return Ok(false);
        }
        Err(Stop::Wrong(
            self.cursor.at,
            "something follows the end of a packet",
        ))
    }

    /// MQTT 5 §3.1.
    fn connect(&mut self) -> Result<bool, Stop> {
        let start = self.cursor.at;
        let name = self.text("protocol name")?;
        if name != "MQTT" && name != "MQIsdp" {
            return Err(Stop::Wrong(start, "the protocol name is not MQTT"));
        }
        let version = self.cursor.at;
        let level = self.cursor.byte()?;
        let label = match level {
            3 => "3 (MQTT 3.1)",
            4 => "4 (MQTT 3.1.1)",
            5 => "5 (MQTT 5)",
            _ => "of an unknown version",
        };
        self.tree.field(
            "protocol level",
            label.to_owned(),
            NodeKind::Number,
            version..version + 1,
        )?;
        self.is_version_5 = level == 5;
        self.tree.say(match level {
            3 => " (3.1)",
            4 => " (3.1.1)",
            5 => " (5)",
            _ => " (unknown version)",
        });
        let at = self.cursor.at;
        let flags = self.cursor.byte()?;
        let mut value = flags.to_string();
        for (bit, name) in [
            (0x02, ", clean start"),
            (0x04, ", will"),
            (0x20, ", will retain"),
            (0x40, ", password"),
            (0x80, ", user name"),
        ] {
            if flags & bit != 0 {
                value.push_str(name);
            }
        }
        self.tree
            .field("connect flags", value, NodeKind::Number, at..at + 1)?;
        let keep_alive = self.number("keep alive", 2)?;
        self.properties()?;
        let client = self.text("client identifier")?;
        self.say(&["client ", &client].concat());
        if flags & 0x04 != 0 {
            if self.is_version_5 {
                properties::walk(self.tree, &mut self.cursor, properties::WILL)?;
            }
            let topic = self.text("will topic")?;
            self.say(&["will ", &topic].concat());
            self.binary("will payload")?;
        }
        if flags & 0x80 != 0 {
            let user = self.text("user name")?;
            self.say(&["user ", &user].concat());
        }
        if flags & 0x40 != 0 {
            self.binary("password")?;
        }
        self.say(&["keep alive ", &keep_alive.to_string(), " s"].concat());
        Ok(true)
    }

    fn publish(&mut self) -> Result<(), Stop> {
        let topic = self.text("topic")?;
        self.say(&topic);
        if self.flags & 6 != 0 {
            self.packet_identifier()?;
        }
        self.properties()?;
        let (start, end) = (self.cursor.at, self.cursor.bytes.len());
        if start < end {
            let node = payload(self.tree, self.cursor.bytes, start, end, "payload")?;
            super::value::say_value(self.tree, node);
        }
        self.cursor.at = end;
        Ok(())
    }

    /// SUBSCRIBE and UNSUBSCRIBE.
    fn subscriptions(&mut self) -> Result<(), Stop> {
        self.packet_identifier()?;
        self.properties()?;
        loop {
            let start = self.cursor.at;
            let topic = self.text("topic filter")?;
            if topic.is_empty() {
                return Err(Stop::Wrong(start, "a topic filter is empty"));
            }
            self.say(&topic);
            if self.kind == 8 {
                let at = self.cursor.at;
                let options = self.cursor.byte()?;
                if options & 0xC3 > 2 {
                    return Err(Stop::Wrong(at, "no options of a subscription"));
                }
                let mut value = ["QoS ", &(options & 3).to_string()].concat();
                for (bits, shown, name) in [
                    (0x04, 0x04, ", no local"),
                    (0x08, 0x08, ", retain as published"),
                    (0x30, 0x10, ", retained if new"),
                    (0x30, 0x20, ", not retained"),
                ] {
                    if options & bits == shown {
                        value.push_str(name);
                    }
                }
                self.tree
                    .field("options", value, NodeKind::Number, at..at + 1)?;
            }
            if self.cursor.is_at_end() {
                return Ok(());
            }
        }
    }

    fn packet_identifier(&mut self) -> Result<(), Stop> {
        let id = self.number("packet identifier", 2)?;
        self.say(&["#", &id.to_string()].concat());
        Ok(())
    }

    fn reason(&mut self) -> Result<(), Stop> {
        let at = self.cursor.at;
        let code = self.cursor.byte()?;
        let name = codes::reason(self.kind, code, self.is_version_5)
            .ok_or(Stop::Wrong(at, "no reason code of this packet"))?;
        let value = [&code.to_string(), " ", name].concat();
        self.tree
            .field("reason code", value, NodeKind::Number, at..at + 1)?;
        self.say(name);
        Ok(())
    }

    fn properties(&mut self) -> Result<(), Stop> {
        if !self.is_version_5 {
            return Ok(());
        }
        properties::walk(self.tree, &mut self.cursor, self.kind)
    }

    fn number(&mut self, label: &str, len: u64) -> Result<u64, Stop> {
        let at = self.cursor.at;
        let number = self.cursor.big_endian(len)?;
        self.tree.field(
            label,
            number.to_string(),
            NodeKind::Number,
            at..self.cursor.at,
        )?;
        Ok(number)
    }

    fn text(&mut self, label: &str) -> Result<String, Stop> {
        text(self.tree, &mut self.cursor, label)
    }

    fn binary(&mut self, label: &str) -> Result<(), Stop> {
        let len = self.cursor.big_endian(2)?;
        let start = self.cursor.at;
        self.cursor.take(len, "a field is cut off")?;
        payload(self.tree, self.cursor.bytes, start, self.cursor.at, label).map(drop)
    }

    fn say(&mut self, text: &str) {
        if !text.is_empty() {
            self.tree.say(" ");
            self.tree.say(text);
        }
    }
}

/// Appends a string with its length before it. What no topic and no name can be is an error.
fn text(tree: &mut Tree, cursor: &mut Cursor<'_>, label: &str) -> Result<String, Stop> {
    let start = cursor.at;
    let len = cursor.big_endian(2)?;
    let text = cursor.take(len, "a string is cut off")?;
    if printable(text).is_none_or(|shown| shown.len() < text.len()) {
        return Err(Stop::Wrong(start, "a string is no text"));
    }
    let value = text_value(text);
    tree.field(label, value.clone(), NodeKind::String, start..cursor.at)?;
    Ok(value)
}
