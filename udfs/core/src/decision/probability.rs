//! Probabilities, their log-odds, and the score of 0 to 1000.

use std::fmt;

use crate::decision::logarithm::ln;
use crate::maths::{exp, log1p};

/// Nearest to 0 and to 1 that a probability counts; the latter is float32's greatest below 1.
pub const LEAST_PROBABILITY: f64 = 1e-12;
pub const MOST_PROBABILITY: f64 = 1.0 - 1.0 / 16_777_216.0;

/// A model's output gave no probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cannot convert float NaN to integer")
    }
}

impl std::error::Error for NotANumber {}

/// 1000 x a probability as an integer, halves upwards. Raises NotANumber.
pub fn risk_score(probability: f64) -> Result<i64, NotANumber> {
    let value = 1000.0 * probability;
    if value.is_nan() {
        return Err(NotANumber);
    }
    let whole = value.floor();
    Ok(whole as i64 + i64::from(value - whole >= 0.5))
}

/// ln(p / (1 - p)), with p kept so far from 0 and 1 that it is finite.
pub fn clipped_logit(probability: f64) -> f64 {
    let p = if LEAST_PROBABILITY > probability { LEAST_PROBABILITY } else { probability };
    let p = if MOST_PROBABILITY < p { MOST_PROBABILITY } else { p };
    ln(p) - log1p(-p)
}

/// 1 / (1 + exp(-x)), without overflow.
pub fn sigmoid(log_odds: f64) -> f64 {
    if log_odds >= 0.0 {
        return 1.0 / (1.0 + exp(-log_odds));
    }
    let odds = exp(log_odds);
    odds / (1.0 + odds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_rounded_half_up() {
        for (probability, score) in [(0.0, 0), (0.0004, 0), (0.0005, 1), (0.0025, 3), (0.9994, 999), (1.0, 1000)] {
            assert_eq!(risk_score(probability), Ok(score));
        }
        assert_eq!(risk_score(f64::NAN), Err(NotANumber));
    }

    #[test]
    fn log_odds_and_back() {
        for probability in [1e-9, 0.001, 0.3, 0.5, 0.999] {
            assert!((sigmoid(clipped_logit(probability)) - probability).abs() < 1e-14);
        }
        assert!(clipped_logit(0.0) < -27.0 && clipped_logit(1.0) > 16.0 && clipped_logit(f64::NAN).is_nan());
        assert_eq!((sigmoid(1e9), sigmoid(-1e9), sigmoid(0.0)), (1.0, 0.0, 0.5));
    }
}
