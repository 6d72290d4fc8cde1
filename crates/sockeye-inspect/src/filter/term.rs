//! The terms of the language.

use super::{
    FilterError, Term,
    parse::{Parser, content, single},
    path::{Comparison, Operator, Part, Value},
    program::{Content, Expression, Field, Test, bit},
};
use crate::{Rule, Severity};

/// What a term's value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Names(&'static [(&'static str, Field, u64, u64)]),
    Opcode,
    Rule,
    Number(Field),
    Size(Field),
    Ratio,
    Time,
    Flag(Field),
    Text,
    Hex,
    Json,
}

const fn term(
    name: &'static str,
    shape: Shape,
    example: &'static str,
    help: &'static str,
) -> (Term, Shape) {
    let term = Term {
        name,
        example,
        help,
    };
    (term, shape)
}

const COUNT: usize = 21;

/// Every term, in the order of the help.
pub(super) const TERMS: [(Term, Shape); COUNT] = [
    term(
        "dir",
        Shape::Names(&[
            ("c2s", Field::Direction, 0, 0),
            ("s2c", Field::Direction, 1, 1),
        ]),
        "dir:c2s",
        "sent by the client (c2s) or the server (s2c)",
    ),
    term(
        "op",
        Shape::Opcode,
        "op:ping,pong",
        "the opcode: a name, control, data, or a number such as 0x3",
    ),
    term(
        "size",
        Shape::Size(Field::Payload),
        "size>1k",
        "length of the payload on the wire; k is 1000, Ki is 1024",
    ),
    term(
        "wire",
        Shape::Size(Field::Wire),
        "wire:2..6",
        "length of the frame with its header",
    ),
    term(
        "inflated",
        Shape::Size(Field::Inflated),
        "inflated>1M",
        "length of a compressed message after inflation",
    ),
    term(
        "ratio",
        Shape::Ratio,
        "ratio<0.5",
        "compressed length of a message divided by its length",
    ),
    term(
        "rule",
        Shape::Rule,
        "rule:frame-mask-missing",
        "breaks a rule: its name, a beginning and *, or a section (5.1, 7692:7.2)",
    ),
    term(
        "severity",
        Shape::Names(&[
            ("violation", Field::Severity, 3, 3),
            ("advice", Field::Severity, 2, 2),
            ("information", Field::Severity, 1, 1),
            ("any", Field::Severity, 1, 3),
            ("none", Field::Severity, 0, 0),
        ]),
        "severity:violation",
        "the worst finding of the frame",
    ),
    term(
        "conn",
        Shape::Number(Field::Connection),
        "conn:3",
        "number of the connection",
    ),
    term(
        "frame",
        Shape::Number(Field::Number),
        "frame:100..200",
        "number of the frame",
    ),
    term(
        "t",
        Shape::Time,
        "t>1.2s",
        "time since the first packet, in s, ms, us, ns, min or h",
    ),
    term("fin", Shape::Flag(Field::Fin), "fin:0", "the FIN bit"),
    term("rsv1", Shape::Flag(Field::Rsv1), "rsv1:1", "the RSV1 bit"),
    term("rsv2", Shape::Flag(Field::Rsv2), "rsv2:1", "the RSV2 bit"),
    term("rsv3", Shape::Flag(Field::Rsv3), "rsv3:1", "the RSV3 bit"),
    term(
        "masked",
        Shape::Flag(Field::Masked),
        "masked:0",
        "whether the payload is masked",
    ),
    term(
        "compressed",
        Shape::Flag(Field::Compressed),
        "compressed:1",
        "whether it belongs to a compressed message",
    ),
    term(
        "code",
        Shape::Number(Field::CloseCode),
        "code:1006",
        "the code of a Close frame",
    ),
    term(
        "text",
        Shape::Text,
        "text:/tick|tock/i",
        "the message has this text, or matches this regular expression",
    ),
    term(
        "hex",
        Shape::Hex,
        "hex:\"de ad\"",
        "the message has these bytes",
    ),
    term(
        "json",
        Shape::Json,
        "json:$.type==\"tick\"",
        "the message is JSON, with this value at this path",
    ),
];

/// The two of `is`, which stand for no field that has a name of its own.
pub(super) const IS: (Term, [&str; 2]) = (
    Term {
        name: "is",
        example: "is:message",
        help: "message: the first frame of one; fragment: a part of a message of several frames",
    },
    ["message", "fragment"],
);

/// The terms without what their values are.
pub(super) const HELP: [Term; COUNT + 1] = {
    let mut help = [IS.0; COUNT + 1];
    let mut at = 0;
    while at < COUNT {
        // `is` comes behind `op`.
        help[if at < 2 { at } else { at + 1 }] = TERMS[at].0;
        at += 1;
    }
    help
};

/// Names of opcodes and which they are.
pub(super) const OPCODES: [(&str, u16); 8] = [
    ("text", 1 << 1),
    ("binary", 1 << 2),
    ("continuation", 1),
    ("ping", 1 << 9),
    ("pong", 1 << 10),
    ("close", 1 << 8),
    ("control", 0xFF00),
    ("data", 0x00FF),
];

/// Reads the term with this name, which begins at `start`; the parser is behind the name.
pub(super) fn read(
    parser: &mut Parser<'_>,
    name: &str,
    start: usize,
) -> Result<Expression, FilterError> {
    let is_is = name == IS.0.name;
    let found = TERMS.iter().find(|(term, _)| term.name == name);
    if found.is_none() && !is_is || name.is_empty() {
        if name.is_empty() {
            parser.bare();
        }
        return Err(unknown(parser, start));
    }
    let operator = read_operator(parser);
    if operator == Some(Operator::NotEqual)
        && !matches!(
            found,
            Some((
                _,
                Shape::Number(_) | Shape::Size(_) | Shape::Ratio | Shape::Time
            ))
        )
    {
        let equal = value(parser, start, found, Operator::Equal)?;
        return Ok(Expression::Not(Box::new(equal)));
    }
    let Some(operator) = operator else {
        let example = found.map_or(IS.0.example, |(term, _)| term.example);
        return Err(example_error(
            parser,
            start,
            "A `:` and a value are missing",
            example,
        ));
    };
    value(parser, start, found, operator)
}

/// Reads what stands behind the operator.
fn value(
    parser: &mut Parser<'_>,
    start: usize,
    found: Option<&(Term, Shape)>,
    operator: Operator,
) -> Result<Expression, FilterError> {
    let Some((term, shape)) = found else {
        equal_only(parser, start, operator, IS.0.example)?;
        return list(parser, |_, value, _| match value {
            "message" => Ok(Expression::Test(Test::Opcodes(!1))),
            "fragment" => Ok(within(Field::Fragment, 1, 1)),
            _ => Err(String::from(
                "`is:` takes `message` (the first frame of one) or `fragment`.",
            )),
        });
    };
    match *shape {
        Shape::Names(names) => {
            equal_only(parser, start, operator, term.example)?;
            list(parser, |_, value, _| {
                names
                    .iter()
                    .find(|name| name.0 == value)
                    .map(|&(_, field, least, most)| within(field, least, most))
                    .ok_or_else(|| choices(term.name, names.iter().map(|name| name.0)))
            })
        }
        Shape::Opcode => {
            equal_only(parser, start, operator, term.example)?;
            list(parser, |_, value, _| {
                let known = OPCODES.iter().find(|name| name.0 == value);
                let mask = known.map(|name| name.1).or_else(|| {
                    let number = parse_integer(value).filter(|&number| number < 16)?;
                    Some(1 << number)
                });
                mask.map(|mask| Expression::Test(Test::Opcodes(mask)))
                    .ok_or_else(|| {
                        let names = OPCODES.iter().map(|name| name.0);
                        choices(term.name, names.chain(["0x0 to 0xf"]))
                    })
            })
        }
        Shape::Rule => {
            equal_only(parser, start, operator, term.example)?;
            list(parser, |_, value, _| rules(value))
        }
        Shape::Flag(field) => {
            equal_only(parser, start, operator, term.example)?;
            list(parser, |_, value, _| match value {
                "1" | "true" | "yes" => Ok(within(field, 1, 1)),
                "0" | "false" | "no" => Ok(within(field, 0, 0)),
                _ => Err(choices(term.name, ["0", "1"].into_iter())),
            })
        }
        Shape::Number(field) => numbers(parser, operator, term, field, parse_integer),
        Shape::Size(field) => numbers(parser, operator, term, field, |value| {
            parse_decimal(value, parse_size_unit)
        }),
        Shape::Ratio => numbers(parser, operator, term, Field::Ratio, |value| {
            parse_decimal(value, |unit| match unit {
                "" => Some(1_000_000),
                "%" => Some(10_000),
                _ => None,
            })
        }),
        Shape::Time => numbers(parser, operator, term, Field::Time, |value| {
            parse_decimal(value, parse_time_unit)
        }),
        Shape::Text => {
            equal_only(parser, start, operator, term.example)?;
            parser.searched().map(content)
        }
        Shape::Hex => {
            equal_only(parser, start, operator, term.example)?;
            let from = parser.at;
            let value = parser.value()?;
            let bytes = parse_hex(&value).ok_or_else(|| {
                example_error(
                    parser,
                    from,
                    "Bytes are pairs of hex digits",
                    "hex:\"de ad be ef\"",
                )
            })?;
            Ok(content(Content::bytes(&bytes)))
        }
        Shape::Json => {
            equal_only(parser, start, operator, term.example)?;
            comparison(parser).map(|comparison| content(Content::Json(comparison)))
        }
    }
}

const fn within(field: Field, least: u64, most: u64) -> Expression {
    Expression::Test(Test::Within(field, least, most))
}

/// `:`, `=` and the comparisons.
fn read_operator(parser: &mut Parser<'_>) -> Option<Operator> {
    for (token, operator) in [
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        (":", Operator::Equal),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ] {
        if parser.eat(token) {
            return Some(operator);
        }
    }
    None
}

fn equal_only(
    parser: &Parser<'_>,
    start: usize,
    operator: Operator,
    example: &str,
) -> Result<(), FilterError> {
    if operator == Operator::Equal {
        return Ok(());
    }
    Err(example_error(
        parser,
        start,
        "This term is not compared, and takes a `:`",
        example,
    ))
}

/// Values with commas between them, of which one has to fit.
fn list(
    parser: &mut Parser<'_>,
    read: impl Fn(&Parser<'_>, &str, usize) -> Result<Expression, String>,
) -> Result<Expression, FilterError> {
    let start = parser.at;
    let text = parser.value()?;
    let mut at = start + usize::from(parser.text[start..].starts_with('"'));
    let mut parts = Vec::new();
    for value in text.split(',') {
        let end = (at + value.len()).min(parser.at);
        let part = read(parser, value.trim(), at)
            .map_err(|message| FilterError::new(at.min(end)..end, &message))?;
        parts.push(part);
        at = end + 1;
    }
    Ok(single(parts, Expression::Or))
}

fn numbers(
    parser: &mut Parser<'_>,
    operator: Operator,
    term: &Term,
    field: Field,
    read: impl Fn(&str) -> Option<u64>,
) -> Result<Expression, FilterError> {
    let wrong = || {
        [
            "`",
            term.name,
            "` takes a number, or two with `..` between them, such as `",
            term.example,
            "`: ",
            term.help,
            ".",
        ]
        .concat()
    };
    // Where it is not known, none of the comparisons is true, so that `!=` is two ranges.
    let range = |least: Option<u64>, most: Option<u64>| match (least, most) {
        (Some(least), Some(most)) => within(field, least, most),
        _ => within(field, 1, 0),
    };
    list(parser, |_, value, _| {
        if let Some((least, most)) = value.split_once("..")
            && operator == Operator::Equal
        {
            let most = most.trim_start_matches('=');
            if least.is_empty() && most.is_empty() {
                return Err(wrong());
            }
            let least = match least {
                "" => 0,
                least => read(least).ok_or_else(wrong)?,
            };
            let most = match most {
                "" => u64::MAX,
                most => read(most).ok_or_else(wrong)?,
            };
            return Ok(within(field, least, most));
        }
        let number = read(value).ok_or_else(wrong)?;
        let (below, above) = (number.checked_sub(1), number.checked_add(1));
        Ok(match operator {
            Operator::Equal => within(field, number, number),
            Operator::NotEqual => {
                Expression::Or(vec![range(Some(0), below), range(above, Some(u64::MAX))])
            }
            Operator::Less => range(Some(0), below),
            Operator::LessOrEqual => within(field, 0, number),
            Operator::Greater => range(above, Some(u64::MAX)),
            Operator::GreaterOrEqual => within(field, number, u64::MAX),
        })
    })
}

/// The rules that a name, the beginning of one, or a section stands for.
fn rules(value: &str) -> Result<Expression, String> {
    let (rfc, section) = value
        .split_once(':')
        .and_then(|(rfc, section)| Some((rfc.parse::<u16>().ok()?, section)))
        .map_or((None, value), |(rfc, section)| (Some(rfc), section));
    let is_in = |rule: Rule, rfc: u16| {
        rule.rfc() == rfc
            && rule
                .section()
                .strip_prefix(section)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    // A section without an RFC is one of RFC 6455, if that has rules for it.
    let rfc = rfc.unwrap_or_else(|| match Rule::all().any(|rule| is_in(rule, 6455)) {
        true => 6455,
        false => 7692,
    });
    let fits = |rule: Rule| match value.strip_suffix('*') {
        Some(beginning) => rule.id().starts_with(beginning),
        None => rule.id() == value || is_in(rule, rfc),
    };
    let mask = Rule::all()
        .filter(|&rule| fits(rule))
        .fold(0, |mask, rule| mask | bit(rule));
    if mask != 0 && !value.is_empty() {
        return Ok(Expression::Test(Test::Rules(mask)));
    }
    let word = value.split(['-', '*']).rfind(|word| word.len() > 2);
    let near = word.and_then(|word| Rule::all().find(|rule| rule.id().contains(word)));
    Err([
        "No rule has this name or section; valid are names such as `",
        near.map_or("frame-mask-missing", Rule::id),
        "`, beginnings such as `close-*`, and sections such as `5.1` or `7692:7.2`.",
    ]
    .concat())
}

fn choices<'n>(term: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut message = ["`", term, ":` takes "].concat();
    for (index, name) in names.enumerate() {
        if index > 0 {
            message.push_str(", ");
        }
        message.push_str(name);
    }
    message.push('.');
    message
}

fn unknown(parser: &mut Parser<'_>, start: usize) -> FilterError {
    let end = parser.at.max(start);
    let word = &parser.text[start..end];
    let mut message = String::new();
    if word.is_empty() {
        message.push_str("A term is missing here. Terms are ");
    } else {
        message.extend(["`", word, "` is no term. "]);
        if OPCODES.iter().any(|name| name.0 == word) {
            message.extend(["Did you mean `op:", word, "`? "]);
        } else {
            message.extend(["To search for it, write `\"", word, "\"`. "]);
        }
        message.push_str("Terms are ");
    }
    for (index, (term, _)) in TERMS.iter().enumerate() {
        if index > 0 {
            message.push_str(", ");
        }
        message.push_str(term.name);
    }
    message.push_str(" and is.");
    FilterError {
        at: start..end,
        message,
    }
}

fn example_error(parser: &Parser<'_>, start: usize, what: &str, example: &str) -> FilterError {
    let message = [what, ", as in `", example, "`."].concat();
    FilterError {
        at: start..parser.at.max(start),
        message,
    }
}

fn parse_integer(value: &str) -> Option<u64> {
    match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => value.parse().ok(),
    }
}

/// A number with a unit, which may have a fraction, times what the unit stands for.
fn parse_decimal(value: &str, unit: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let end = value
        .find(|char: char| !char.is_ascii_digit() && !matches!(char, '.' | '_'))
        .unwrap_or(value.len());
    let (number, name) = value.split_at(end);
    let factor = u128::from(unit(name)?);
    let mut total = 0_u128;
    let mut divisor = None::<u128>;
    let mut digits = 0;
    for byte in number.bytes().filter(|&byte| byte != b'_') {
        if byte == b'.' {
            if divisor.is_some() {
                return None;
            }
            divisor = Some(1);
            continue;
        }
        digits += 1;
        if digits > 20 {
            return None;
        }
        total = total * 10 + u128::from(byte - b'0');
        divisor = divisor.map(|divisor| divisor * 10);
    }
    if digits == 0 {
        return None;
    }
    u64::try_from(total * factor / divisor.unwrap_or(1)).ok()
}

fn parse_size_unit(unit: &str) -> Option<u64> {
    let unit = unit.strip_suffix(['b', 'B']).unwrap_or(unit);
    Some(match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" | "m" => 1_000_000,
        "G" | "g" => 1_000_000_000,
        "Ki" | "ki" => 1 << 10,
        "Mi" | "mi" => 1 << 20,
        "Gi" | "gi" => 1 << 30,
        _ => return None,
    })
}

fn parse_time_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "" | "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" | "µs" => 1_000,
        "ns" => 1,
        "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .filter(|char| !char.is_whitespace() && !matches!(char, ':' | ','))
        .map(|char| char.to_digit(16));
    let digits: Option<Vec<u32>> = digits.collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2))?;
    let byte = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair[1]).ok();
    digits.chunks_exact(2).map(byte).collect()
}

/// `$.name[0]=="value"`.
fn comparison(parser: &mut Parser<'_>) -> Result<Comparison, FilterError> {
    const HOW: &str =
        "A path is `$`, then `.name`, `[\"name\"]`, `[0]` or `[*]`, then perhaps a comparison";
    const EXAMPLE: &str = "json:$.user.roles[0]==\"admin\"";
    let start = parser.at;
    let mut path = Vec::new();
    if !parser.eat("$") {
        parser.bare();
        return Err(example_error(parser, start, HOW, EXAMPLE));
    }
    loop {
        let from = parser.at;
        if parser.eat(".") {
            let rest = parser.rest();
            let end = rest
                .find(|char: char| {
                    char.is_whitespace()
                        || matches!(char, '.' | '[' | '=' | '!' | '<' | '>' | '(' | ')')
                })
                .unwrap_or(rest.len());
            parser.at += end;
            path.push(match &rest[..end] {
                "" => return Err(example_error(parser, from, HOW, EXAMPLE)),
                "*" => Part::Any,
                name => Part::Name(name.to_owned()),
            });
        } else if parser.eat("[") {
            let part = if parser.rest().starts_with('"') {
                Some(Part::Name(parser.value()?))
            } else if parser.eat("*") {
                Some(Part::Any)
            } else {
                let rest = parser.rest();
                let end = rest.find(']').unwrap_or(rest.len());
                parser.at += end;
                rest[..end].parse().ok().map(Part::Index)
            };
            match part {
                Some(part) if parser.eat("]") => path.push(part),
                _ => return Err(example_error(parser, from, HOW, EXAMPLE)),
            }
        } else {
            break;
        }
        if path.len() > 64 {
            return Err(example_error(parser, start, HOW, EXAMPLE));
        }
    }
    let from = parser.at;
    let operator = match parser.rest().starts_with(':') {
        true => None,
        false => read_operator(parser),
    };
    let Some(operator) = operator else {
        if parser.bare().is_empty() {
            return Ok(Comparison { path, with: None });
        }
        return Err(example_error(parser, from, HOW, EXAMPLE));
    };
    let is_quoted = parser.rest().starts_with('"');
    let value = parser.value()?;
    let value = match value.as_str() {
        "" if !is_quoted => return Err(example_error(parser, from, HOW, EXAMPLE)),
        _ if is_quoted => Value::Text(value),
        "true" => Value::Word("true"),
        "false" => Value::Word("false"),
        "null" => Value::Word("null"),
        text => match text.parse() {
            Ok(number) if text.starts_with(|char: char| char == '-' || char.is_ascii_digit()) => {
                Value::Number(number)
            }
            _ => Value::Text(value),
        },
    };
    Ok(Comparison {
        path,
        with: Some((operator, value)),
    })
}

/// What the names of severities stand for has to be what the index says.
const _: () = assert!(
    Severity::Violation as u64 == 2
        && Severity::Advice as u64 == 1
        && Severity::Information as u64 == 0
);
