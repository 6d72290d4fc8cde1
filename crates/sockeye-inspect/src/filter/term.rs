//! Reads terms.

use super::{
    FilterError, Term,
    parse::{Parser, content, single},
    path::{Operator, comparison},
    program::{Content, Expression, Field, Test, bit},
    quantity::{parse_decimal, parse_hex, parse_integer, parse_size_unit, parse_time_unit},
    table::{IS, OPCODES, Shape, TERMS},
};
use crate::Rule;

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
pub(super) fn read_operator(parser: &mut Parser<'_>) -> Option<Operator> {
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

pub(super) fn example_error(
    parser: &Parser<'_>,
    start: usize,
    what: &str,
    example: &str,
) -> FilterError {
    let message = [what, ", as in `", example, "`."].concat();
    FilterError {
        at: start..parser.at.max(start),
        message,
    }
}
