//! The functions of the condition language: what they take and give. Each is total, and as bounded as its arguments.

use crate::moment::iso_moment_ms;
use crate::rules::close_match::close_match;
use crate::rules::errors::{RuleError, shown};
use crate::rules::expressions::Expression;
use crate::rules::names::Kind;
use crate::rules::past::Figure;

/// The most arguments of min, max and coalesce.
pub const MAX_ARGUMENTS: usize = 8;
const MOST_PLACES: f64 = 6.0;
/// The numbers that are moments, in epoch milliseconds.
const MOMENTS: [&str; 2] = ["timestamp", "statistics_as_of_ms"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Abs,
    Min,
    Max,
    Round,
    HoursBetween,
    DaysBetween,
    Lower,
    StartsWith,
    Known,
    Coalesce,
    Count,
    AmountSum,
}

/// A function as its users see it.
pub struct Signature {
    pub name: &'static str,
    pub form: &'static str,
    pub gives: &'static str,
    pub meaning: &'static str,
}

impl Function {
    pub const ALL: [Self; 12] = [
        Self::Abs,
        Self::Min,
        Self::Max,
        Self::Round,
        Self::HoursBetween,
        Self::DaysBetween,
        Self::Lower,
        Self::StartsWith,
        Self::Known,
        Self::Coalesce,
        Self::Count,
        Self::AmountSum,
    ];

    /// How it is written, and what it means.
    pub fn signature(self) -> Signature {
        let (name, form, gives, meaning) = match self {
            Self::Abs => ("abs", "abs(number)", "a number", "the number without its sign"),
            Self::Min => ("min", "min(number, number, …)", "a number", "the least; unknown if one is unknown"),
            Self::Max => ("max", "max(number, number, …)", "a number", "the greatest; unknown if one is unknown"),
            Self::Round => (
                "round",
                "round(number), round(number, places)",
                "a number",
                "rounded to 0 to 6 decimal places, halves away from 0",
            ),
            Self::HoursBetween => (
                "hours_between",
                "hours_between(time, time)",
                "a number",
                "hours from the first to the second, negative if the second is earlier",
            ),
            Self::DaysBetween => (
                "days_between",
                "days_between(time, time)",
                "a number",
                "days of 24 hours from the first to the second, negative if the second is earlier",
            ),
            Self::Lower => ("lower", "lower(text)", "a text", "the text in lower case"),
            Self::StartsWith => {
                ("startswith", "startswith(text, text)", "a condition", "whether the first text begins with the second")
            }
            Self::Known => ("known", "known(anything)", "a condition", "whether the value is known; never unknown"),
            Self::Coalesce => (
                "coalesce",
                "coalesce(value, value, …)",
                "a value",
                "the first value that is known; all numbers, all texts, or all true or false",
            ),
            Self::Count => (
                "count",
                "count(last 7 days), count(last 36 hours)",
                "a number",
                "the user's payments of the last 1 hour to 90 days by the hour, this one included",
            ),
            Self::AmountSum => (
                "amount_sum",
                "amount_sum(last 7 days), amount_sum(last 36 hours)",
                "a number",
                "the sum of their amounts, in the base currency",
            ),
        };
        Signature { name, form, gives, meaning }
    }

    pub fn name(self) -> &'static str {
        self.signature().name
    }

    /// The function of a name at a column. Raises RuleError with the nearest known function where there is none.
    pub fn lookup(name: &str, position: usize) -> Result<Self, RuleError> {
        if let Some(known) = Self::of_name(name) {
            return Ok(known);
        }
        let error = RuleError::at(format!("unknown function {}", shown(name)), position);
        let names = Self::ALL.map(Self::name);
        Err(match close_match(&name.to_ascii_lowercase(), names.into_iter()).filter(|_| name.len() <= 64) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error.hint(format!("functions are {}", names.join(", "))),
        })
    }

    /// The function of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// The type of its value for arguments that fit it.
    pub fn kind(self, arguments: &[Expression]) -> Kind {
        match self {
            Self::Abs | Self::Min | Self::Max | Self::Round | Self::HoursBetween | Self::DaysBetween => Kind::Number,
            Self::Count | Self::AmountSum => Kind::Number,
            Self::Lower => Kind::Text,
            Self::StartsWith | Self::Known => Kind::Condition,
            Self::Coalesce => arguments.first().map_or(Kind::Number, Expression::kind),
        }
    }

    /// Is its value unknown where one of the arguments is?
    pub fn is_strict(self) -> bool {
        !matches!(self, Self::Known | Self::Coalesce)
    }

    /// What it tells of the payments of a window; `None` of a function of values.
    pub fn figure(self) -> Option<Figure> {
        match self {
            Self::Count => Some(Figure::Count),
            Self::AmountSum => Some(Figure::AmountSum),
            _ => None,
        }
    }

    /// A call with its arguments, each with its column, checked. Raises RuleError.
    pub fn call(self, arguments: Vec<(Expression, usize)>, position: usize) -> Result<Expression, RuleError> {
        self.check_count(arguments.len(), position)?;
        let mut checked = Vec::with_capacity(arguments.len());
        for (place, (argument, column)) in arguments.into_iter().enumerate() {
            checked.push(self.argument(argument, place, column, checked.first())?);
        }
        if let (Self::Lower, [Expression::Text(text)]) = (self, checked.as_slice()) {
            return Ok(Expression::Text(text.to_lowercase()));
        }
        Ok(Expression::Call { function: self, arguments: checked })
    }

    fn check_count(self, count: usize, position: usize) -> Result<(), RuleError> {
        let (least, most) = match self {
            Self::Abs | Self::Lower | Self::Known | Self::Count | Self::AmountSum => (1, 1),
            Self::Round => (1, 2),
            Self::HoursBetween | Self::DaysBetween | Self::StartsWith => (2, 2),
            Self::Min | Self::Max | Self::Coalesce => (2, MAX_ARGUMENTS),
        };
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
        let plural = if most == 1 { "" } else { "s" };
        let message = format!("{} takes {wanted} argument{plural}, not {count}", self.name());
        Err(RuleError::at(message, position).hint(self.signature().form))
    }

    fn argument(
        self,
        argument: Expression,
        place: usize,
        column: usize,
        first: Option<&Expression>,
    ) -> Result<Expression, RuleError> {
        let kind = argument.kind();
        let refused = |wanted: &str| {
            let message = format!("{} needs {wanted}, not {}", self.name(), kind.words());
            Err(RuleError::at(message, column).hint(self.signature().form))
        };
        match self {
            Self::Known => {}
            Self::Round if place == 1 => match argument {
                Expression::Number(places) if places.fract() == 0.0 && (0.0..=MOST_PLACES).contains(&places) => {}
                _ => {
                    let message = format!("round takes 0 to {MOST_PLACES} places, written as a number");
                    return Err(RuleError::at(message, column));
                }
            },
            Self::Abs | Self::Min | Self::Max | Self::Round if kind != Kind::Number => return refused("a number"),
            Self::Lower | Self::StartsWith if kind != Kind::Text => return refused("a text"),
            Self::Coalesce => match first.map(Expression::kind) {
                _ if kind == Kind::Condition => return refused("values"),
                Some(other) if other != kind => {
                    let message =
                        format!("coalesce takes values of one type: {} after {}", kind.words(), other.words());
                    return Err(RuleError::at(message, column));
                }
                _ => {}
            },
            Self::HoursBetween | Self::DaysBetween => return self.moment(argument, column),
            _ => {}
        }
        Ok(argument)
    }

    fn moment(self, argument: Expression, column: usize) -> Result<Expression, RuleError> {
        if let Expression::Text(text) = &argument {
            let day = format!("{text}T00:00:00Z");
            let Some(time_ms) = iso_moment_ms(text).or_else(|| iso_moment_ms(&day)) else {
                let error = RuleError::at(format!("{} is not a time", shown(text)), column);
                return Err(error.hint("write 2026-03-01 (UTC) or 2026-03-01T18:30:00+01:00"));
            };
            return Ok(Expression::Number(time_ms as f64));
        }
        if is_moment(&argument) {
            return Ok(argument);
        }
        let message = format!("{} needs a time", self.name());
        Err(RuleError::at(message, column)
            .hint(format!("times are {} and \"2026-03-01T00:00:00Z\"", MOMENTS.join(", "))))
    }
}

fn is_moment(node: &Expression) -> bool {
    match node {
        Expression::Number(_) => true,
        Expression::Name(name) => MOMENTS.contains(&&*name.name),
        Expression::Call { function: Function::Min | Function::Max | Function::Coalesce, arguments } => {
            arguments.iter().all(is_moment)
        }
        _ => false,
    }
}

/// A number rounded to places that are worth `factor` (10 to their power), halves away from 0.
pub fn rounded(value: f64, factor: f64) -> f64 {
    let scaled = value * factor;
    // Too large for decimal places, infinite or unknown.
    if scaled.is_finite() { scaled.round() / factor } else { value }
}

/// The least (or greatest) of numbers; NaN where one is.
pub fn extreme(values: impl Iterator<Item = f64>, is_least: bool) -> f64 {
    let pick = |best: f64, value: f64| match best.is_nan() || value.is_nan() {
        true => f64::NAN,
        false if is_least => best.min(value),
        false => best.max(value),
    };
    values.reduce(pick).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (value, factor, expected) in [
            (2.5, 1.0, 3.0),
            (-2.5, 1.0, -3.0),
            (0.49999999999999994, 1.0, 0.0),
            (1.125, 100.0, 1.13),
            (1e300, 1e6, 1e300),
            (1.7e308, 1e6, 1.7e308),
            (f64::INFINITY, 1.0, f64::INFINITY),
        ] {
            assert_eq!(rounded(value, factor), expected);
        }
        assert!(rounded(f64::NAN, 1.0).is_nan());
    }

    #[test]
    fn the_extreme_of_what_is_partly_unknown_is_unknown() {
        assert_eq!(extreme([3.0, 1.0, 2.0].into_iter(), true), 1.0);
        assert_eq!(extreme([3.0, 1.0, 2.0].into_iter(), false), 3.0);
        assert!(extreme([f64::NAN, 1.0].into_iter(), true).is_nan());
        assert!(extreme([1.0, f64::NAN, 0.0].into_iter(), false).is_nan());
    }
}
