//! The features that a model's explanation names first.

/// So many of the model's strongest features are looked at for reasons.
pub const CONTRIBUTIONS: usize = 40;
/// From so many deviations on a feature's reconstruction error is told.
pub const UNUSUAL_DEVIATIONS: f64 = 3.0;

/// Positions and values of at most CONTRIBUTIONS of the values, strongest first, of those above a limit. Of equal ones
/// the first comes first.
pub fn strongest(values: impl IntoIterator<Item = f64>, above: f64) -> Vec<(usize, f64)> {
    let mut found: Vec<(usize, f64)> = values.into_iter().enumerate().filter(|(_, value)| *value > above).collect();
    found.sort_by(|one, other| other.1.total_cmp(&one.1));
    found.truncate(CONTRIBUTIONS);
    found
}

/// By how many deviations each feature's reconstruction error is beyond that of legitimate transactions.
pub fn deviations<'a>(errors: &'a [f32], means: &'a [f64], deviations: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let usual = means.iter().zip(deviations);
    errors.iter().zip(usual).map(|(error, (mean, deviation))| (f64::from(*error) - mean) / deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_come_first_and_what_is_no_number_never() {
        assert_eq!(strongest([1.0, f64::NAN, 3.0, 1.0, -2.0, 0.0], 0.0), [(2, 3.0), (0, 1.0), (3, 1.0)]);
        assert_eq!(strongest((0..100).map(f64::from), 0.0).len(), CONTRIBUTIONS);
    }

    #[test]
    fn errors_are_compared_with_usual_ones() {
        let found: Vec<f64> = deviations(&[2.0, 5.0], &[1.0, 1.0], &[0.5, 2.0]).collect();
        assert_eq!(found, [2.0, 2.0]);
    }
}
