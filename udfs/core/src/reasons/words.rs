//! A feature's words with its value put in.

use crate::features::feature::{Form, Words};
use crate::features::signal::Direction;
use crate::reasons::quantities::quantity;

/// What may stand between a count and its noun.
const ADJECTIVES: [&str; 6] = ["confirmed ", "declined ", "earlier ", "failed ", "foreign ", "known "];

/// A value in words, e.g. `amount 5.2x this user's mean`; money is in `currency`.
///
/// `is_low` chooses a number's words for a low value, if it has any. A flag's words go by its value.
pub fn in_words(words: &Words, direction: Direction, value: f64, currency: &str, is_low: bool) -> String {
    if value.is_nan() {
        return words.unknown.to_string();
    }
    if words.form != Form::Flag {
        return written(words, value, currency, is_low);
    }
    let is_raised = (value == 0.0) == (direction == Direction::False);
    if is_raised { words.raised.to_string() } else { words.lowered.to_string() }
}

/// A number's words with the value put in; the noun of a count of 1 in the singular.
fn written(words: &Words, value: f64, currency: &str, is_low: bool) -> String {
    let template = if is_low && !words.lowered.is_empty() { &words.lowered } else { &words.raised };
    let text = template.replacen("{}", &quantity(words.form, value, currency), 1);
    if words.form == Form::Count && value == 1.0 { in_singular(&text) } else { text }
}

/// `1 failed logins` as `1 failed login`.
fn in_singular(text: &str) -> String {
    let mut singular = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("1 ") {
        let behind = at + "1 ".len();
        let is_own_number = !rest[..at].ends_with(is_of_word) && !singular_ends_in_word(&singular, at);
        match plural_end(&rest[behind..]).filter(|_| is_own_number) {
            Some(end) => {
                singular.push_str(&rest[..behind + end - 1]);
                rest = &rest[behind + end..];
            }
            None => {
                singular.push_str(&rest[..behind]);
                rest = &rest[behind..];
            }
        }
    }
    singular + rest
}

/// Does what is written already end in a word, with nothing between it and the number?
fn singular_ends_in_word(singular: &str, at: usize) -> bool {
    at == 0 && singular.ends_with(is_of_word)
}

/// Where the plural at the start of a text ends, an adjective before it.
fn plural_end(text: &str) -> Option<usize> {
    let adjective = ADJECTIVES.into_iter().find(|adjective| text.starts_with(adjective)).map_or(0, str::len);
    let of_noun = |start: usize| {
        let noun = &text[start..];
        let letters = noun.bytes().take_while(u8::is_ascii_lowercase).count();
        let is_plural = letters > 1 && noun[..letters].ends_with('s') && !noun[letters..].starts_with(is_of_word);
        is_plural.then_some(start + letters)
    };
    of_noun(adjective).or_else(|| of_noun(0))
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noun_of_one_is_in_the_singular() {
        let texts = [
            ("1 payments in 5 minutes", "1 payment in 5 minutes"),
            ("1 failed logins in 1 hour", "1 failed login in 1 hour"),
            ("payments in 1 foreign countries in 1 days", "payments in 1 foreign countrie in 1 day"),
            ("user not verified (KYC level 1)", "user not verified (KYC level 1)"),
            ("11 payments", "11 payments"),
            ("1 s", "1 s"),
        ];
        for (plural, singular) in texts {
            assert_eq!(in_singular(plural), singular);
        }
    }

    #[test]
    fn a_value_is_put_in() {
        let words = Words::number(Form::Times, "amount {} the mean").or_if_low("only {} the mean");
        assert_eq!(written(&words, 8.4, "USD", false), "amount 8.4x the mean");
        assert_eq!(written(&words, 0.4, "USD", true), "only 0.4x the mean");
    }
}
