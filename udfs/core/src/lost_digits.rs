//! Ids that were numbers once, and were written in floating-point notation: 3.57303E+15 by a spreadsheet, 4.99E18 by Java.
//! `udfs/records/lost_digits.py` has the same.

const LONGEST_EXPONENT: usize = 3;
pub const LOST_DIGITS: &str = "is a number in floating-point notation, which has lost its last digits: strangers would share \
    the id; export the column as text";

/// Is a text a whole number in floating-point notation? 1e5 is none: hexadecimal ids look like it.
pub fn has_lost_digits(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let [first, second, rest @ ..] = digits else { return false };
    if !first.is_ascii_digit() {
        return false;
    }
    let (fraction, exponent) = match second {
        b'.' | b',' => {
            let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            match &rest[length..] {
                [b'e' | b'E', b'+', exponent @ ..] | [b'e' | b'E', exponent @ ..] => (length, exponent),
                _ => return false,
            }
        }
        b'e' | b'E' => match rest {
            [b'+', exponent @ ..] => (0, exponent),
            _ => return false,
        },
        _ => return false,
    };
    let is_exponent = (1..=LONGEST_EXPONENT).contains(&exponent.len()) && exponent.iter().all(u8::is_ascii_digit);
    is_exponent && exponent.iter().fold(0, |value, digit| value * 10 + usize::from(digit - b'0')) >= fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_floating_point_notation_are_told_from_ids() {
        for text in ["3.57303E+15", "4,99e18", "-3.5E15", "5E+15", "4.992346398065154E18", "1.E+5", "1.5e1"] {
            assert!(has_lost_digits(text), "{text}");
        }
        for text in
            ["1e5", "7E10", "12.5E+15", "1.25e1", "1.5e+", "1.5e1234", "A.5E+15", "1.5E+1x", "-", "", "3", "123.0"]
        {
            assert!(!has_lost_digits(text), "{text}");
        }
    }
}
