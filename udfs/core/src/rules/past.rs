//! Windows of any length: `count(last 7 days)`, as a condition writes them.

use crate::rules::expressions::Expression;
use crate::rules::functions::Function;
use crate::state::hourly::{LONGEST_HOURS, PastPayments};
use crate::time_units::{DAY_MS, HOUR_MS};

const HOURS_A_DAY: u16 = (DAY_MS / HOUR_MS) as u16;
/// What a length is measured in, and its hours.
const UNITS: [(&str, u16); 4] = [("hour", 1), ("hours", 1), ("day", HOURS_A_DAY), ("days", HOURS_A_DAY)];

/// What is told of the payments of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    Count,
    AmountSum,
}

/// One figure of the payments of the last `hours` hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    pub figure: Figure,
    pub hours: u16,
}

impl Past {
    /// Of a call of `count` or `amount_sum`, whose argument is the number of hours; `None` of any other.
    pub fn of_call(function: Function, arguments: &[Expression]) -> Option<Self> {
        match arguments {
            [Expression::Number(hours)] => Some(Self { figure: function.figure()?, hours: *hours as u16 }),
            _ => None,
        }
    }

    /// All that an expression reads.
    pub fn read_by(node: &Expression) -> Vec<Self> {
        let (mut found, mut pending) = (Vec::new(), vec![node]);
        while let Some(node) = pending.pop() {
            if let Expression::Call { function, arguments } = node {
                found.extend(Self::of_call(*function, arguments));
            }
            pending.extend(node.parts());
        }
        found
    }

    /// As conditions write it, the same for the same length: in days where it is whole days.
    pub fn text(self) -> String {
        let (length, unit) = match self.hours {
            hours if hours % HOURS_A_DAY == 0 => (hours / HOURS_A_DAY, "day"),
            hours => (hours, "hour"),
        };
        let plural = if length == 1 { "" } else { "s" };
        let function = match self.figure {
            Figure::Count => Function::Count,
            Figure::AmountSum => Function::AmountSum,
        };
        format!("{}(last {length} {unit}{plural})", function.name())
    }

    /// A window of which this figure alone is known.
    pub fn alone(self, value: f64) -> PastPayments {
        let unknown = PastPayments { hours: self.hours, count: f64::NAN, amount_sum: f64::NAN };
        match self.figure {
            Figure::Count => PastPayments { count: value, ..unknown },
            Figure::AmountSum => PastPayments { amount_sum: value, ..unknown },
        }
    }

    /// Its value among those of a payment; NaN where it is not known, or was not asked for.
    pub fn value(self, known: &[PastPayments]) -> f64 {
        let of_length = known.iter().filter(|window| window.hours == self.hours);
        let mut values = of_length.map(|window| match self.figure {
            Figure::Count => window.count,
            Figure::AmountSum => window.amount_sum,
        });
        values.find(|value| !value.is_nan()).unwrap_or(f64::NAN)
    }
}

/// The hours of one of a unit; `None` where it is none.
pub fn hours_of_unit(unit: &str) -> Option<u16> {
    UNITS.into_iter().find(|(name, _)| *name == unit).map(|(_, hours)| hours)
}

/// The hours of a length in units of so many; `None` unless they are whole and 1 to LONGEST_HOURS.
pub fn hours_of(length: f64, unit_hours: u16) -> Option<u16> {
    let hours = length * f64::from(unit_hours);
    (length.fract() == 0.0 && (1.0..=f64::from(LONGEST_HOURS)).contains(&hours)).then_some(hours as u16)
}
