//! What a rule set's points are worth: from their sum to a shift of the fraud's log-odds.

use std::fmt;

use crate::decision::logarithm::ln;
use crate::rules::rule_set::{MAX_POINTS, MAX_RULES, MAX_SCORE};
use crate::rules::scale::Scale;

/// By how much the highest score of a rule set without a map multiplies the odds.
const CAUTIOUS_ODDS: f64 = 10.0;

/// The map cannot be used; the message says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMapError(pub String);

impl fmt::Display for RuleMapError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for RuleMapError {}

/// Log-odds to add at each sum of points from 0 to the last of `points`: logit(rate(points)) - logit(rate(0)), never
/// negative. `rates` are the fraud rates that history gave for `points`. Between the points it is linear in log-odds;
/// before the first and beyond the last the rate stays.
///
/// Raises RuleMapError unless points rise, rates lie between 0 and 1 and do not fall.
pub fn learned_shifts(points: &[i64], rates: &[f64]) -> Result<Vec<f64>, RuleMapError> {
    check(points, rates)?;
    let log_odds: Vec<f64> = rates.iter().map(|rate| ln(rate / (1.0 - rate))).collect();
    let mut shifts = vec![0.0; usize::try_from(points[0]).unwrap_or(0) + 1];
    for (at, known) in points.windows(2).zip(log_odds.windows(2)) {
        let steps = at[1] - at[0];
        let slope = (known[1] - known[0]) / steps as f64;
        shifts.extend((1..=steps).map(|step| known[0] + slope * step as f64 - log_odds[0]));
    }
    Ok(shifts)
}

/// Log-odds to add at each sum of points, by the set's own scale: ln(10) x score / 1000.
pub fn cautious_shifts(scale: &Scale) -> Vec<f64> {
    scale.scores().iter().map(|score| ln(CAUTIOUS_ODDS) * *score as f64 / MAX_SCORE as f64).collect()
}

fn check(points: &[i64], rates: &[f64]) -> Result<(), RuleMapError> {
    let faulty = |message: String| Err(RuleMapError(message));
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return faulty(format!("0 points with {} rates; each sum of points needs one rate", rates.len()));
    };
    if points.len() != rates.len() {
        let (points, rates) = (points.len(), rates.len());
        return faulty(format!("{points} points with {rates} rates; each sum of points needs one rate"));
    }
    let most = MAX_RULES as i64 * MAX_POINTS;
    if !(*first >= 0 && *last <= most) {
        return faulty(format!("points must be 0 to {most}"));
    }
    if !rates.iter().all(|rate| 0.0 < *rate && *rate < 1.0) {
        return faulty("rates must lie between 0 and 1, both excluded".into());
    }
    for (at, rate) in points.windows(2).zip(rates.windows(2)) {
        if at[1] <= at[0] || rate[1] < rate[0] {
            let shown: Vec<String> = rate.iter().map(|rate| crate::python_text::float_repr(*rate)).collect();
            let (next, before) = (format!("{}, {}", at[1], shown[1]), format!("{}, {}", at[0], shown[0]));
            return faulty(format!("points must increase and rates must not decrease: {next} follow {before}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_linear_in_log_odds_between_points() -> Result<(), RuleMapError> {
        let shifts = learned_shifts(&[1, 3], &[0.5, 0.75])?;
        assert_eq!(shifts.len(), 4);
        assert_eq!((shifts[0], shifts[1]), (0.0, 0.0));
        assert!((shifts[3] - 3f64.ln()).abs() < 1e-15 && (shifts[2] - 3f64.ln() / 2.0).abs() < 1e-15);
        Ok(())
    }

    #[test]
    fn maps_that_fall_are_refused() {
        for (points, rates) in [(vec![], vec![]), (vec![0, 0], vec![0.1, 0.2]), (vec![0, 1], vec![0.2, 0.1])] {
            assert!(learned_shifts(&points, &rates).is_err());
        }
        assert!(learned_shifts(&[0], &[1.0]).is_err());
        assert!(learned_shifts(&[0, 500_001], &[0.1, 0.2]).is_err());
    }
}
