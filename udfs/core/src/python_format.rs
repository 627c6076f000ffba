//! Numbers and texts as Python's `format` and `repr` write them: what an analyst reads does not change with the language
//! that it is made in.

use std::fmt::Write;

/// Python's `format(number, ".Nf")`: half to even on the exact binary value.
pub fn fixed(number: f64, decimals: usize) -> String {
    if number.is_nan() { "nan".into() } else { format!("{number:.decimals$}") }
}

/// Python's `format(number, ",.Nf")`: the same with a comma between thousands.
pub fn grouped(number: f64, decimals: usize) -> String {
    let plain = fixed(number, decimals);
    let start = usize::from(plain.starts_with('-'));
    let end = plain.find('.').unwrap_or(plain.len());
    if !number.is_finite() || end - start <= 3 {
        return plain;
    }
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (place, character) in plain.char_indices() {
        if place > start && place < end && (end - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(character);
    }
    text
}

/// Python's `format(number, ".Ng")`: so many digits without zeros at the end, with an exponent where the point would be
/// far away.
pub fn general(number: f64, digits: usize) -> String {
    if !number.is_finite() {
        return fixed(number, 0);
    }
    let digits = digits.max(1);
    let scientific = format!("{number:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    without_zeros(&fixed(number, decimals)).into()
}

/// Without zeros at the end of a fraction, and without its point where nothing is left of it.
fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Python's `round(number, 1)`.
pub fn rounded_to_tenths(number: f64) -> f64 {
    if !number.is_finite() {
        return number;
    }
    fixed(number, 1).parse().unwrap_or(number)
}

/// Python's `str.isprintable` of one character.
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return (' '..='~').contains(&character);
    }
    // Behind a letter only what cannot be printed is escaped, by the same Unicode categories as in Python.
    let mut bytes = [b'a', 0, 0, 0, 0];
    let length = character.encode_utf8(&mut bytes[1..]).len();
    let text = std::str::from_utf8(&bytes[..=length]).unwrap_or("\n");
    text.escape_debug().nth(1) == Some(character)
}

/// Python's `str.isprintable`.
pub fn is_printable_text(text: &str) -> bool {
    text.chars().all(is_printable)
}

/// Python's `repr` of a text.
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for character in text.chars() {
        if character == quote {
            quoted.push('\\');
            quoted.push(quote);
        } else if !character.is_ascii() && is_printable(character) {
            quoted.push(character);
        } else {
            push_escaped(&mut quoted, character);
        }
    }
    quoted.push(quote);
    quoted
}

/// Python's `ascii` of a text, without the quotes around it.
pub fn ascii(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character == quote {
            escaped.push('\\');
            escaped.push(quote);
        } else {
            push_escaped(&mut escaped, character);
        }
    }
    escaped
}

fn push_escaped(text: &mut String, character: char) {
    let code = u32::from(character);
    // Writing into a String does not fail.
    let _ = match character {
        '\\' => text.write_str("\\\\"),
        '\t' => text.write_str("\\t"),
        '\n' => text.write_str("\\n"),
        '\r' => text.write_str("\\r"),
        ' '..='~' => text.write_char(character),
        _ if code < 0x100 => write!(text, "\\x{code:02x}"),
        _ if code < 0x1_0000 => write!(text, "\\u{code:04x}"),
        _ => write!(text, "\\U{code:08x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_numbers_round_half_to_even_on_their_exact_value() {
        assert_eq!(fixed(2.5, 0), "2");
        assert_eq!(fixed(0.125, 2), "0.12");
        assert_eq!(fixed(-0.3, 0), "-0");
        assert_eq!(fixed(f64::NAN, 1), "nan");
        assert_eq!(fixed(f64::NEG_INFINITY, 1), "-inf");
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(999.4, "999"), (1000.0, "1,000"), (-1234567.0, "-1,234,567"), (-999.9, "-1,000")] {
            assert_eq!(grouped(number, 0), text);
        }
        assert_eq!(grouped(1234567.891, 2), "1,234,567.89");
        assert_eq!(grouped(f64::INFINITY, 2), "inf");
    }

    #[test]
    fn general_numbers_are_short() {
        let texts =
            [(0.0, "0"), (100000.0, "100000"), (1234567.0, "1.23457e+06"), (0.0001, "0.0001"), (1.5e-5, "1.5e-05")];
        for (number, text) in texts {
            assert_eq!(general(number, 6), text);
        }
        assert_eq!(general(0.99999, 2), "1");
        assert_eq!(general(0.000099999, 2), "0.0001");
    }

    #[test]
    fn texts_are_quoted_and_escaped() {
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("'\""), "'\\'\"'");
        assert_eq!(repr("é\u{a0}\u{7f}\u{202e}\u{1F600}"), "'é\\xa0\\x7f\\u202e\u{1F600}'");
        assert_eq!(ascii("é\u{a0}\n"), "\\xe9\\xa0\\n");
        assert!(is_printable('\u{301}') && !is_printable('\u{2028}') && !is_printable('\u{e000}'));
    }
}
