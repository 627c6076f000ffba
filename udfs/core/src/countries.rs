//! Countries: alpha-2, alpha-3 and numeric codes and English names become one alpha-2 code, by the table of
//! `udfs/records/countries.py`.

use std::sync::LazyLock;

use hashbrown::HashMap;

const TABLE: &str = include_str!("../../records/countries.txt");
const NUMERIC_DIGITS: usize = 3;

/// Spelling -> alpha-2 code.
static CODES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    for line in TABLE.lines() {
        let mut columns = line.split(';');
        let alpha_2 = columns.next().unwrap_or_default();
        // Names with accents stand without them, too; texts with accents are left to Python.
        for text in columns.flat_map(|column| column.split('|')).chain([alpha_2]).filter(|text| text.is_ascii()) {
            codes.insert(spelling_of(text), alpha_2);
        }
    }
    codes.remove("");
    codes
});

/// Which pairs of capital letters are alpha-2 codes.
static IS_ALPHA_2: LazyLock<[bool; 26 * 26]> = LazyLock::new(|| {
    let mut known = [false; 26 * 26];
    for code in CODES.values() {
        if let Some(place) = place_of(code) {
            known[place] = true;
        }
    }
    known
});

/// Is the text an alpha-2 code as it is?
pub fn is_country_code(text: &str) -> bool {
    place_of(text).is_some_and(|place| IS_ALPHA_2[place])
}

/// The alpha-2 code of a country in any usual spelling; `text` is ASCII.
pub fn country_code(text: &str) -> Option<&'static str> {
    let mut spelling = spelling_of(text);
    if !spelling.is_empty() && spelling.bytes().all(|byte| byte.is_ascii_digit()) {
        spelling = format!("{spelling:0>NUMERIC_DIGITS$}");
    }
    CODES.get(&spelling).copied()
}

fn spelling_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
}

fn place_of(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => {
            Some(usize::from(first - b'A') * 26 + usize::from(second - b'A'))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_one_code() {
        for text in ["US", "us", "USA", " U.S.A. ", "United States", "UNITED STATES OF AMERICA", "840"] {
            assert_eq!(country_code(text), Some("US"), "{text}");
        }
        assert_eq!(country_code("36"), Some("AU"));
        assert_eq!(country_code("Cote d Ivoire"), Some("CI"));
        assert_eq!(country_code(""), None);
        assert_eq!(country_code("ZZ"), None);
        assert!(is_country_code("GB") && !is_country_code("UK") && !is_country_code("gb") && !is_country_code("ZZ"));
    }
}
