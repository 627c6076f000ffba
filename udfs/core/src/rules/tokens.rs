//! A condition's text as tokens. Nothing but ASCII passes outside of quoted text.

use crate::python_format::is_printable;
use crate::rules::errors::{RuleError, shown};

/// The longest condition, in characters.
pub const MAX_LENGTH: usize = 1000;

/// What a token is; a text comes without its quotes, a list without its @.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Number,
    Name,
    Text,
    List,
    Symbol,
    End,
}

/// `position` is the 1-based column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub value: String,
    pub position: usize,
}

/// Split a condition into tokens, the last of kind `End`. Raises RuleError.
pub fn tokens_of(text: &str) -> Result<Vec<Token>, RuleError> {
    let length = text.chars().count();
    if length > MAX_LENGTH {
        return Err(RuleError::new(format!("the condition has {length} characters, at most {MAX_LENGTH} are allowed")));
    }
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&first) = characters.get(at) {
        let rest = &characters[at..];
        let (kind, width) = match first {
            ' ' | '\t' | '\r' | '\n' => {
                at += 1;
                continue;
            }
            '0'..='9' | '.' => (TokenKind::Number, number_width(rest)),
            '"' | '\'' => (TokenKind::Text, quoted_width(rest)),
            '@' if rest.get(1).is_some_and(|next| is_name_start(*next)) => {
                (TokenKind::List, 1 + width_of(&rest[1..], is_name_part))
            }
            _ if is_name_start(first) => (TokenKind::Name, width_of(rest, is_name_part)),
            _ => (TokenKind::Symbol, symbol_width(rest)),
        };
        if width == 0 {
            return Err(unexpected(first, at));
        }
        let (value, position) = (&rest[..width], at + 1);
        if kind == TokenKind::Number && rest.get(width).is_some_and(|next| is_name_part(*next) || *next == '.') {
            let word: String = rest[..=width].iter().collect();
            return Err(
                RuleError::at(format!("{} is not a number", shown(&word)), position).hint("write it like 1000.5")
            );
        }
        let value = match kind {
            TokenKind::Text => checked(&value[1..width - 1], position + 1)?,
            TokenKind::List => &value[1..],
            _ => value,
        };
        tokens.push(Token { kind, value: value.iter().collect(), position });
        at += width;
    }
    tokens.push(Token { kind: TokenKind::End, value: String::new(), position: length + 1 });
    Ok(tokens)
}

fn unexpected(character: char, at: usize) -> RuleError {
    let error = RuleError::at(format!("unexpected character {}", shown(&character.to_string())), at + 1);
    match character {
        '=' => error.hint("compare with =="),
        '&' => error.hint("write 'and'"),
        '|' => error.hint("write 'or'"),
        '!' => error.hint("write 'not', or != to compare"),
        '@' => error.hint("a list is written @name"),
        '"' | '\'' => error.hint("the closing quote is missing"),
        _ => error,
    }
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

fn is_name_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn width_of(characters: &[char], belongs: fn(char) -> bool) -> usize {
    characters.iter().take_while(|character| belongs(**character)).count()
}

fn digits(characters: &[char]) -> usize {
    characters.iter().take_while(|character| character.is_ascii_digit()).count()
}

/// Digits with an optional fraction and exponent; 0 where a point has no digit beside it.
fn number_width(characters: &[char]) -> usize {
    let whole = digits(characters);
    let mut width = whole;
    if characters.get(whole) == Some(&'.') {
        let fraction = digits(&characters[whole + 1..]);
        if whole + fraction == 0 {
            return 0;
        }
        width += 1 + fraction;
    }
    if matches!(characters.get(width), Some('e' | 'E')) {
        let signed = usize::from(matches!(characters.get(width + 1), Some('+' | '-')));
        let start = (width + 1 + signed).min(characters.len());
        let exponent = digits(&characters[start..]);
        if exponent > 0 {
            width = start + exponent;
        }
    }
    width
}

/// From quote to quote; 0 where the second is missing.
fn quoted_width(characters: &[char]) -> usize {
    let end = characters.iter().skip(1).position(|character| *character == characters[0]);
    end.map_or(0, |end| end + 2)
}

fn symbol_width(characters: &[char]) -> usize {
    match (characters.first(), characters.get(1)) {
        (Some('<' | '>' | '=' | '!'), Some('=')) => 2,
        (Some('-' | '+' | '*' | '/' | '%' | '<' | '>' | '(' | ')' | '[' | ']' | ','), _) => 1,
        _ => 0,
    }
}

fn checked(text: &[char], position: usize) -> Result<&[char], RuleError> {
    match text.iter().position(|character| *character == '\\' || !is_printable(*character)) {
        Some(offset) => {
            let character = shown(&text[offset].to_string());
            Err(RuleError::at(format!("{character} is not allowed in a quoted text"), position + offset))
        }
        None => Ok(text),
    }
}
