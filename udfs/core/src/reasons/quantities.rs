//! Numbers as analysts write them: money, spans of time, shares, multiples.

use crate::features::feature::Form;
use crate::money::exponent;
use crate::python_format::{fixed, general, grouped};

const DAY_MINUTES: f64 = 1440.0;
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A known value in words; money in `currency`. Takes any number, infinite ones too.
pub fn quantity(form: Form, value: f64, currency: &str) -> String {
    match form {
        Form::Count => grouped(value, 0),
        Form::Times if value >= 10.0 => format!("{}x", grouped(value, 0)),
        Form::Times if value >= 0.1 => format!("{}x", fixed(value, 1)),
        Form::Times => format!("{}x", general(value, 2)),
        Form::Deviations => format!("{} standard deviations", grouped(value, 1)),
        Form::Money => format!("{} {currency}", grouped(value, decimals(currency))).trim_end().into(),
        Form::Percent => percent(value),
        Form::Days => span(value * DAY_MINUTES),
        Form::Minutes => span(value),
        Form::Seconds => span(value / 60.0),
        Form::Km => format!("{} km", grouped(value, 0)),
        Form::Kmh => format!("{} km/h", grouped(value, 0)),
        Form::Hour => hour(value),
        Form::Weekday => weekday(value).map_or_else(|| number(value), str::to_owned),
        Form::Flag | Form::Number => number(value),
    }
}

/// A share from 0 to 1 in per cent, with a decimal below 10 %.
pub fn percent(share: f64) -> String {
    let hundredths = 100.0 * share;
    if hundredths >= 10.0 || hundredths == 0.0 {
        format!("{} %", grouped(hundredths, 0))
    } else {
        format!("{} %", general(hundredths, 2))
    }
}

/// An amount that is only to be compared with: without minor units from 10 upwards, and without the currency.
pub fn rounded_money(value: f64, currency: &str) -> String {
    grouped(value, if value >= 10.0 { 0 } else { decimals(currency) })
}

/// A full hour of the clock.
pub fn hour(value: f64) -> String {
    format!("{:0>2}:00", fixed(value, 0))
}

fn decimals(currency: &str) -> usize {
    exponent(currency) as usize
}

fn weekday(value: f64) -> Option<&'static str> {
    if value.fract() == 0.0 && value >= 0.0 { WEEKDAYS.get(value as usize).copied() } else { None }
}

fn number(value: f64) -> String {
    if value.abs() < 10.0 { general(value, 4) } else { grouped(value, 0) }
}

/// A length of time by its largest fitting unit: seconds below 2 minutes, days from 2 days.
fn span(minutes: f64) -> String {
    if minutes < 2.0 {
        plural(minutes * 60.0, "second")
    } else if minutes < 120.0 {
        plural(minutes, "minute")
    } else if minutes < 2.0 * DAY_MINUTES {
        plural(minutes / 60.0, "hour")
    } else {
        plural(minutes / DAY_MINUTES, "day")
    }
}

fn plural(number: f64, unit: &str) -> String {
    let written = grouped(number, 0);
    let ending = if written == "1" { "" } else { "s" };
    format!("{written} {unit}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_by_their_form() {
        let written = [
            (Form::Count, 1234.0, "1,234"),
            (Form::Times, 8.44, "8.4x"),
            (Form::Times, 12.6, "13x"),
            (Form::Times, 0.0123, "0.012x"),
            (Form::Money, 1234.5, "1,234.50 USD"),
            (Form::Percent, 0.0345, "3.5 %"),
            (Form::Percent, 0.5, "50 %"),
            (Form::Days, 0.5, "12 hours"),
            (Form::Days, 2.0, "2 days"),
            (Form::Seconds, 1.0, "1 second"),
            (Form::Minutes, 61.0, "61 minutes"),
            (Form::Hour, 2.0, "02:00"),
            (Form::Weekday, 6.0, "Sunday"),
            (Form::Weekday, 7.5, "7.5"),
            (Form::Number, 1234.5, "1,234"),
        ];
        for (form, value, text) in written {
            assert_eq!(quantity(form, value, "USD"), text);
        }
        assert_eq!(quantity(Form::Money, 5.0, ""), "5.00");
        assert_eq!(quantity(Form::Money, 5.0, "JPY"), "5 JPY");
    }
}
