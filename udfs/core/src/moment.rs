//! ISO 8601 moments with an offset, as epoch milliseconds UTC.

use crate::time_units::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// `2026-01-31T23:59:59.123456+01:00` as epoch milliseconds, rounded down; `None` for any other form, which Python reads
/// or refuses.
pub fn iso_moment_ms(text: &str) -> Option<i64> {
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    let mut parts = date.split('-');
    let (year, month, day) = (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    if text.as_bytes()[10] != b'T' || year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let (clock, rest) = time.split_at_checked(8)?;
    let mut parts = clock.split(':');
    let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction_ms, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=6).contains(&digits) {
                return None;
            }
            let milliseconds = rest.bytes().take(digits).chain(*b"00").take(3);
            (milliseconds.fold(0, |value, digit| value * 10 + i64::from(digit - b'0')), rest.get(digits..)?)
        }
        None => (0, rest),
    };
    let days = days_since_epoch(year, month, day);
    let clock_ms = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + fraction_ms;
    Some(days * DAY_MS + clock_ms - offset_ms(offset)?)
}

/// Day since the epoch as year, month and day of the proleptic Gregorian calendar.
pub fn date_of(day: i64) -> (i64, i64, i64) {
    // Years that begin in March, so that the leap day is the last: 400 of them are 146,097 days.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

/// Days of a month of the Gregorian calendar.
pub fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn offset_ms(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * HOUR_MS + minutes * MINUTE_MS))
}

fn number(text: &str, width: usize) -> Option<i64> {
    let is_number = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.bytes().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        let pairs = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T00:00:00+01:30", Some(1_767_220_200_000)),
            ("2026-01-01T00:00:00.0019Z", Some(1_767_225_600_001)),
            ("2024-02-29T12:00:00.5-00:00", Some(1_709_208_000_500)),
            ("2023-02-29T12:00:00Z", None),
            ("2026-01-01T00:00:00", None),
            ("2026-01-01 00:00:00Z", None),
            ("2026-01-01T00:00:00.1234567Z", None),
            ("2026-01-01T24:00:00Z", None),
        ];
        for (text, moment) in pairs {
            assert_eq!(iso_moment_ms(text), moment, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_day_is_its_date(day in -719_162i64..2_932_896) {
            let (year, month, date) = date_of(day);
            prop_assert_eq!(days_since_epoch(year, month, date), day);
            prop_assert!((1..=12).contains(&month) && (1..=days_in(year, month)).contains(&date));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            iso_moment_ms(&text);
        }
    }
}
