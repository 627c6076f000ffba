//! What a rule's condition is about: the names that it reads.

use crate::rules::errors::RuleError;
use crate::rules::names::KEYWORDS;
use crate::rules::tokens::{TokenKind, tokens_of};

/// The feature that a remainder of the amount (`amount % 100`) counts as: how round it is.
const ROUNDNESS: &str = "amount_is_round_hundred";

/// The names that a condition reads, each once, in the order of their first use. Raises RuleError.
pub fn names_read(condition: &str) -> Result<Vec<String>, RuleError> {
    let tokens = tokens_of(condition)?;
    let mut names: Vec<String> = Vec::new();
    for pair in tokens.windows(2) {
        let (token, following) = (&pair[0], &pair[1]);
        let is_function = following.kind == TokenKind::Symbol && following.value == "(";
        if token.kind != TokenKind::Name || is_function || KEYWORDS.contains(&token.value.as_str()) {
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
    }

    #[test]
    fn lists_come_once() {
        let lists = lists_read("city in @a and (country not in @b or city in @a) and city != '@c'");
        assert_eq!(lists.unwrap_or_default(), ["a", "b"]);
    }
}
