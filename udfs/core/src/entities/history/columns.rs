//! Columns of buckets as sums, and the check that they can be read.

use std::fmt;

use crate::entities::buckets::BucketRow;

/// From the first hour to the last.
const LONGEST_HOURS: i64 = (1 << 24) - 1;
const LARGEST_SUM: i64 = 1 << 62;

/// Why buckets could not be read as of a moment; a column is named as BucketRow names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsound {
    /// A column is not as long as the hours.
    Length(&'static str),
    HoursDoNotRise,
    TooManyHours,
    Negative(&'static str),
    /// The sum of a column is too large.
    Sum(&'static str),
    /// A running sum of changes is negative or too large.
    RunningSum(&'static str),
}

impl fmt::Display for Unsound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(column) => write!(formatter, "hours and {column} must have the same length"),
            Self::HoursDoNotRise => formatter.write_str("hours must increase"),
            Self::TooManyHours => write!(formatter, "hours span more than {LONGEST_HOURS}"),
            Self::Negative(column) => write!(formatter, "{column} must not be negative"),
            Self::Sum(column) => write!(formatter, "the sum of {column} is more than {LARGEST_SUM}"),
            Self::RunningSum(column) => write!(formatter, "the running sum of {column} must be 0 to {LARGEST_SUM}"),
        }
    }
}

impl std::error::Error for Unsound {}

/// Sums of a column up to each hour, one more than hours; empty where the column holds nothing.
pub(super) type Sums = Box<[i64]>;

/// Lists that a kind does not have, and those that an earlier version did not write, may be empty.
pub(super) fn check_lengths(row: &BucketRow, counts_users: bool) -> Result<(), Unsound> {
    let has_users = counts_users || !row.users_1d.is_empty() || !row.users_7d.is_empty();
    let has_amounts = !row.amounts.is_empty() || !row.reported.is_empty();
    let has_logarithms = !row.log_amounts.is_empty() || !row.log_amount_squares.is_empty();
    let columns = [
        ("transactions", &row.transactions, true),
        ("frauds", &row.frauds, true),
        ("users_1d", &row.users_1d, has_users),
        ("users_7d", &row.users_7d, has_users),
        ("amounts", &row.amounts, has_amounts),
        ("reported", &row.reported, has_amounts),
        ("log_amounts", &row.log_amounts, has_logarithms),
        ("log_amount_squares", &row.log_amount_squares, has_logarithms),
    ];
    match columns.iter().find(|(_, column, is_needed)| *is_needed && column.len() != row.hours.len()) {
        Some((name, _, _)) => Err(Unsound::Length(name)),
        None => Ok(()),
    }
}

pub(super) fn offsets(hours: &[i64], first_hour: i64) -> Result<Box<[u32]>, Unsound> {
    if hours.windows(2).any(|pair| pair[1] <= pair[0]) {
        return Err(Unsound::HoursDoNotRise);
    }
    let offset = |hour: &i64| hour.checked_sub(first_hour).filter(|offset| *offset <= LONGEST_HOURS);
    hours
        .iter()
        .map(|hour| offset(hour).map(|offset| offset as u32))
        .collect::<Option<_>>()
        .ok_or(Unsound::TooManyHours)
}

/// Sums of numbers that are not negative.
pub(super) fn sums(column: &[i64], name: &'static str) -> Result<Sums, Unsound> {
    if column.iter().any(|value| *value < 0) {
        return Err(Unsound::Negative(name));
    }
    changes(column, name).map_err(|_| Unsound::Sum(name))
}

/// Sums of changes, which are never negative. Nothing but zeros is kept as nothing.
pub(super) fn changes(column: &[i64], name: &'static str) -> Result<Sums, Unsound> {
    if column.iter().all(|value| *value == 0) {
        return Ok(Sums::default());
    }
    let mut sum = 0i64;
    let mut found = Vec::with_capacity(column.len() + 1);
    found.push(0);
    for value in column {
        let next = sum.checked_add(*value).filter(|sum| (0..=LARGEST_SUM).contains(sum));
        sum = next.ok_or(Unsound::RunningSum(name))?;
        found.push(sum);
    }
    Ok(found.into())
}

/// Sums of amounts, which may exceed 64 bits.
pub(super) fn float_sums(amounts: &[i64]) -> Result<Box<[f64]>, Unsound> {
    let mut sum = 0i128;
    let mut found = Vec::with_capacity(amounts.len() + 1);
    found.push(0.0);
    for value in amounts {
        if *value < 0 {
            return Err(Unsound::Negative("amounts"));
        }
        sum += i128::from(*value);
        found.push(sum as f64);
    }
    Ok(found.into())
}
