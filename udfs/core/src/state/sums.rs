//! Exact sums of amounts.

use crate::wide::Wide;

/// Count, total and squares of amounts in minor units. Beyond 128 bits a sum stays at the greatest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub count: u64,
    pub total: u128,
    pub squares: u128,
}

impl Sums {
    /// Take in one amount in minor units.
    pub fn add(&mut self, minor: u64) {
        let wide = u128::from(minor);
        self.count = self.count.saturating_add(1);
        self.total = self.total.saturating_add(wide);
        self.squares = self.squares.saturating_add(wide * wide);
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            total: self.total.saturating_add(other.total),
            squares: self.squares.saturating_add(other.squares),
        }
    }
}

/// Population standard deviation in major units, from exact integer sums in minor units. NaN for a count of 0.
pub fn spread(count: u64, total: u128, squares: u128, scale: i64) -> f64 {
    if count == 0 {
        return f64::NAN;
    }
    let difference = Wide::product(u128::from(count), squares).less(Wide::product(total, total));
    difference.to_f64().sqrt() / count as f64 / scale as f64
}
