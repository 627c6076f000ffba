//! The words of a hit: a text with the values of names put in.

use crate::python_format::{ascii, fixed, general, grouped, is_printable_text};
use crate::python_text::strip;
use crate::rules::errors::{RuleError, shown};
use crate::rules::language::{begins_as_window, parse_past};
use crate::rules::names::{Kind, Source, Vocabulary};
use crate::rules::number::Row;
use crate::rules::past::Past;

/// The longest reason, in characters.
pub const MAX_LENGTH: usize = 500;
const UNKNOWN: &str = "unknown";
/// From here on a float no longer holds every whole number.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// How a number is written: as short as it can be, or with so many decimals and with or without commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberFormat {
    Short,
    Fixed(usize),
    Grouped(usize),
}

#[derive(Debug)]
enum Piece {
    Words(String),
    Value(Source, NumberFormat),
    Past(Past, NumberFormat),
}

/// A checked reason text: `{name}` puts a value in, `{name:.1f}` and `{name:,.2f}` say how to write a number,
/// and `{count(last 7 days)}` tells of a window.
#[derive(Debug)]
pub struct ReasonText {
    pieces: Vec<Piece>,
}

impl ReasonText {
    /// Raises RuleError, whatever the text.
    pub fn new(text: &str, vocabulary: &Vocabulary) -> Result<Self, RuleError> {
        if strip(text).is_empty() {
            return Err(RuleError::new("the reason is empty"));
        }
        let length = text.chars().count();
        if length > MAX_LENGTH {
            return Err(RuleError::new(format!(
                "the reason has {length} characters, at most {MAX_LENGTH} are allowed"
            )));
        }
        if !is_printable_text(text) {
            return Err(RuleError::new("the reason must be one line of printable characters"));
        }
        let characters: Vec<char> = text.chars().collect();
        let (mut pieces, mut at) = (Vec::new(), 0);
        while at < characters.len() {
            let (words, width) = words_at(&characters[at..]);
            if width > 0 {
                pieces.push(Piece::Words(words));
                at += width;
                continue;
            }
            let Some(placeholder) = Placeholder::at(&characters[at..]) else {
                let message = "the reason has a brace that does not belong to {name} or {name:.1f}";
                return Err(RuleError::at(message, at + 1).hint("write {{ or }}"));
            };
            let format = placeholder.format.as_deref();
            pieces.push(match parse_past(&placeholder.name, vocabulary, at + 2)? {
                Some(past) => Piece::Past(past, number_format(&past.text(), Kind::Number, format, at + 1)?),
                None => {
                    let name = vocabulary.lookup(&placeholder.name, at + 2)?;
                    Piece::Value(name.source, number_format(&name.name, name.source.kind(), format, at + 1)?)
                }
            });
            at += placeholder.width;
        }
        Ok(Self { pieces })
    }

    /// The windows that it tells of.
    pub fn past(&self) -> impl Iterator<Item = Past> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Past(past, _) => Some(*past),
            _ => None,
        })
    }

    /// The reason with the values of this transaction; what is not known reads "unknown".
    pub fn words(&self, row: &Row) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Words(words) => text.push_str(words),
                Piece::Value(source, format) => text.push_str(&written(*source, *format, row)),
                Piece::Past(past, format) => text.push_str(&number_written(past.value(&row.facts.past), *format)),
            }
        }
        text
    }
}

/// The words before the next name, with `{{` and `}}` as braces, and how many characters of the text they are.
fn words_at(characters: &[char]) -> (String, usize) {
    let (mut words, mut width) = (String::new(), 0);
    while let Some(&character) = characters.get(width) {
        let is_brace = matches!(character, '{' | '}');
        if is_brace && characters.get(width + 1) != Some(&character) {
            break;
        }
        words.push(character);
        width += if is_brace { 2 } else { 1 };
    }
    (words, width)
}

struct Placeholder {
    name: String,
    format: Option<String>,
    width: usize,
}

impl Placeholder {
    /// `{name}` or `{name:format}` at the start of the characters.
    fn at(characters: &[char]) -> Option<Self> {
        let end = characters.iter().position(|character| *character == '}')?;
        let inner: String = characters.get(1..end)?.iter().collect();
        if characters[0] != '{' || inner.contains('{') {
            return None;
        }
        let (name, format) = match inner.split_once(':') {
            Some((name, format)) => (name, Some(format.to_owned())),
            None => (inner.as_str(), None),
        };
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (is_name || begins_as_window(name)).then(|| Self { name: name.into(), format, width: end + 1 })
    }
}

fn number_format(name: &str, kind: Kind, format: Option<&str>, position: usize) -> Result<NumberFormat, RuleError> {
    let Some(format) = format else { return Ok(NumberFormat::Short) };
    let is_number = kind == Kind::Number;
    let (is_grouped, rest) = match format.strip_prefix(',') {
        Some(rest) => (true, rest),
        None => (false, format),
    };
    if let (true, [b'.', digit @ b'0'..=b'6', b'f']) = (is_number, rest.as_bytes()) {
        let decimals = usize::from(digit - b'0');
        return Ok(if is_grouped { NumberFormat::Grouped(decimals) } else { NumberFormat::Fixed(decimals) });
    }
    let hint = if is_number { "use .0f to .6f or ,.2f" } else { "only a number has a format" };
    let message = format!("the format {} is not allowed for {name}", shown(format));
    Err(RuleError::at(message, position).hint(hint))
}

fn text_written(text: Option<&str>) -> String {
    match text {
        None => UNKNOWN.into(),
        Some(text) if is_printable_text(text) => text.into(),
        Some(text) => ascii(text),
    }
}

fn written(source: Source, format: NumberFormat, row: &Row) -> String {
    let number = match source {
        Source::Feature(position) => row.features.get(position).copied().unwrap_or(f64::NAN),
        Source::Population(position) => row.population.get(position).copied().unwrap_or(f64::NAN),
        Source::Fact(position) => row.facts.numbers.get(position).copied().unwrap_or(f64::NAN),
        Source::EventNumber(read) => read(row.transaction),
        Source::EventFlag(read) => {
            let value = read(row.transaction);
            return if value.is_nan() {
                UNKNOWN.into()
            } else if value != 0.0 {
                "yes".into()
            } else {
                "no".into()
            };
        }
        Source::EventText(read) => return text_written(read(row.transaction)),
        Source::SanctionedParties => return text_written(row.facts.sanctioned_parties.as_deref()),
        Source::ChangeText(position) => {
            return text_written(row.facts.change.as_ref().map(|texts| &*texts[position]));
        }
    };
    number_written(number, format)
}

fn number_written(number: f64, format: NumberFormat) -> String {
    match format {
        _ if number.is_nan() => UNKNOWN.into(),
        NumberFormat::Fixed(decimals) => fixed(number, decimals),
        NumberFormat::Grouped(decimals) => grouped(number, decimals),
        NumberFormat::Short if number.fract() == 0.0 && number.abs() < LARGEST_EXACT => (number as i64).to_string(),
        NumberFormat::Short => general(number, 6),
    }
}
