//! Texts that programs write where they have no value; `udfs/records/blank_texts.py` has the same list.

use crate::python_text::strip;

const BLANK_TEXTS: [&str; 57] = [
    "",
    "-",
    "--",
    "---",
    "?",
    "null",
    "(null)",
    "<null>",
    "[null]",
    "none",
    "(none)",
    "<none>",
    "nil",
    "nan",
    "#nan",
    "nat",
    "na",
    "n/a",
    "#n/a",
    "#na",
    "<na>",
    "(na)",
    "n.a.",
    "\\n",
    "\\\\n",
    "undefined",
    "unknown",
    "(unknown)",
    "missing",
    "blank",
    "(blank)",
    "not available",
    "not applicable",
    "#value!",
    "#ref!",
    "#null!",
    "#div/0!",
    "#name?",
    "#num!",
    ".",
    "..",
    "...",
    "n/d",
    "n.d.",
    "empty",
    "(empty)",
    "<empty>",
    "not set",
    "(not set)",
    "<not set>",
    "unspecified",
    "not specified",
    "not provided",
    "0.0.0.0",
    "::",
    "00000000-0000-0000-0000-000000000000",
    "00000000000000000000000000000000",
];
const NAMIBIA: &str = "na";
const LONGEST: usize = 36;

/// Does a text stand for a missing value, in any case and with space around it? The country NA is Namibia.
pub fn is_blank_text(text: &str, is_country: bool) -> bool {
    // What nearly all texts begin with is told first.
    if let Some(first) = text.as_bytes().first()
        && !(first.is_ascii_whitespace() || first.is_ascii_control() || b"-?([<#\\.:0nNuUmMbBeE".contains(first))
        && first.is_ascii()
    {
        return false;
    }
    let plain = strip(text);
    if plain.is_ascii() {
        let is_blank = plain.len() <= LONGEST && BLANK_TEXTS.iter().any(|blank| blank.eq_ignore_ascii_case(plain));
        return is_blank && !(is_country && plain.eq_ignore_ascii_case(NAMIBIA));
    }
    // A Kelvin sign is a k in small letters.
    plain.chars().count() <= LONGEST && BLANK_TEXTS.contains(&plain.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_known_in_any_case() {
        for blank in [
            "",
            " \t",
            "N/A",
            "\\N",
            "(null)",
            "#N/A",
            "-",
            "Unknown",
            " None\u{1f}",
            "\u{a0}",
            ".",
            "n/D",
            "(empty)",
            "Not Set",
            "0.0.0.0",
        ] {
            assert!(is_blank_text(blank, false), "{blank:?}");
        }
        for text in ["U1", "Nantes", "0", "NAT1", "--a", "unknown street", "New York", ".5", "00", "Essen"] {
            assert!(!is_blank_text(text, false), "{text:?}");
        }
        assert!(is_blank_text("NA", false) && !is_blank_text("NA", true));
    }
}
