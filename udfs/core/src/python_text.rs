//! Texts as Python writes and changes them: reasons and keys are compared with what earlier versions wrote.

/// Python's `repr` of a float: the shortest digits that give the same float, with an exponent below 1e-4 and from 1e16.
pub fn float_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{number}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// Python's `repr` of the first `length` characters of a text; `None` of one that is not ASCII, where it depends on
/// Python's version which characters can be printed.
pub fn ascii_repr(text: &str, length: usize) -> Option<String> {
    let shown: &str = text.char_indices().nth(length).map_or(text, |(end, _)| &text[..end]);
    if !shown.is_ascii() {
        return None;
    }
    let quote = if shown.contains('\'') && !shown.contains('"') { '"' } else { '\'' };
    let mut written = String::with_capacity(shown.len() + 2);
    written.push(quote);
    for character in shown.chars() {
        match character {
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            ' '..='~' if character == quote => {
                written.push('\\');
                written.push(character);
            }
            ' '..='~' => written.push(character),
            _ => written.push_str(&format!("\\x{:02x}", u32::from(character))),
        }
    }
    written.push(quote);
    Some(written)
}

/// Python's `str.strip()`: it counts the separators of information (U+001C to U+001F) as white space too.
pub fn strip(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_does() {
        let pairs = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (5.0, "5.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1.5e-7, "1.5e-07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
        ];
        for (number, text) in pairs {
            assert_eq!(float_repr(number), text);
        }
    }

    #[test]
    fn texts_are_quoted_as_python_does() {
        let pairs =
            [("a b", "'a b'"), ("it's", "\"it's\""), ("'\"", "'\\'\"'"), ("\\\n\t\0\u{7f}", "'\\\\\\n\\t\\x00\\x7f'")];
        for (text, quoted) in pairs {
            assert_eq!(ascii_repr(text, 64).as_deref(), Some(quoted));
        }
        assert_eq!(ascii_repr("abcdef", 3).as_deref(), Some("'abc'"));
        assert_eq!(ascii_repr("é", 3), None);
    }

    #[test]
    fn separators_of_information_are_stripped() {
        assert_eq!(strip("\u{1c} a\u{a0}\u{1f}\n"), "a");
    }
}
