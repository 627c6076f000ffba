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
        if token.kind != TokenKind::Name || KEYWORDS.contains(&token.value.as_str()) {
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

#[cfg(test)]
mod tests {
    use super::names_read;

    #[test]
    fn names_come_once_and_a_remainder_of_the_amount_is_its_roundness() {
        let names = names_read("not (amount % 100 == 0) and city in ['a'] or amount > 5 and city == 'b'");
        assert_eq!(names.unwrap_or_default(), ["amount_is_round_hundred", "city", "amount"]);
    }
}
