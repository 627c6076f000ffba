//! What a rule's condition is about: the names that it reads.

use crate::rules::errors::RuleError;
use crate::rules::functions::Function;
use crate::rules::names::KEYWORDS;
use crate::rules::tokens::{TokenKind, tokens_of};

/// The feature that a remainder of the amount (`amount % 100`) counts as: how round it is.
const ROUNDNESS: &str = "amount_is_round_hundred";

/// Does a function of this name read the user's payments? Its own name tells of it.
fn is_of_window(name: &str) -> bool {
    Function::of_name(name).is_some_and(|function| function.figure().is_some())
}

/// The names that a condition reads, those of functions of windows among them, each once, in the order of their first use. Raises RuleError.
pub fn names_read(condition: &str) -> Result<Vec<String>, RuleError> {
    let tokens = tokens_of(condition)?;
    let mut names: Vec<String> = Vec::new();
    let mut before = TokenKind::Symbol;
    for pair in tokens.windows(2) {
        let (token, following) = (&pair[0], &pair[1]);
        let is_function = following.kind == TokenKind::Symbol && following.value == "(";
        let is_value = is_function && !is_of_window(&token.value);
        // `last 7 days`: no other name stands beside a number.
        let is_length = before == TokenKind::Number || following.kind == TokenKind::Number;
        before = token.kind;
        if token.kind != TokenKind::Name || is_value || is_length || KEYWORDS.contains(&token.value.as_str()) {
            continue;
        }
        let is_remainder = token.value == "amount" && following.value == "%";
        let name = if is_remainder { ROUNDNESS } else { &token.value };
        if !names.iter().any(|known| known == name) {
            names.push(name.into());
        }
    }
    Ok(names)
}

/// The lists that a condition refers to, each once, in the order of their first use. Raises RuleError.
pub fn lists_read(condition: &str) -> Result<Vec<String>, RuleError> {
    let mut names: Vec<String> = Vec::new();
    for token in tokens_of(condition)? {
        if token.kind == TokenKind::List && !names.contains(&token.value) {
            names.push(token.value);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{lists_read, names_read};

    #[test]
    fn names_come_once_and_a_remainder_of_the_amount_is_its_roundness() {
        let names = names_read("not (amount % 100 == 0) and city in ['a'] or amount > 5 and city == 'b'");
        assert_eq!(names.unwrap_or_default(), ["amount_is_round_hundred", "city", "amount"]);
        assert_eq!(names_read("abs(amount) > 1 and known(city)").unwrap_or_default(), ["amount", "city"]);
        let names =
            names_read("count(last 7 days) > 5 and is_night and 2 * count(last 1 hour) > amount_sum(last 3 days)");
        assert_eq!(names.unwrap_or_default(), ["count", "is_night", "amount_sum"]);
    }

    #[test]
    fn lists_come_once() {
        let lists = lists_read("city in @a and (country not in @b or city in @a) and city != '@c'");
        assert_eq!(lists.unwrap_or_default(), ["a", "b"]);
    }
}
