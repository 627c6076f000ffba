//! From the sum of the hits' points to a score of 0 to 1000.

/// One score for each sum of points from 0 to the scale's last; all sums beyond have the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    scores: Vec<i64>,
}

impl Scale {
    /// By [points, score] pairs, both rising from [0, 0]; between them the score is linear, rounded half up.
    pub fn new(pairs: &[(i64, i64)]) -> Self {
        let mut scores = vec![0];
        for pair in pairs.windows(2) {
            let [(points, score), (next_points, next_score)] = *pair else { continue };
            let width = next_points - points;
            let rise = next_score - score;
            scores.extend((1..=width).map(|step| score + (2 * rise * step + width).div_euclid(2 * width)));
        }
        Self { scores }
    }

    /// The score of a sum of points.
    pub fn score(&self, points: i64) -> i64 {
        let place = usize::try_from(points).unwrap_or(0).min(self.scores.len() - 1);
        self.scores[place]
    }

    /// All scores by points, from 0 to the scale's last.
    pub fn scores(&self) -> &[i64] {
        &self.scores
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn between_pairs_the_score_is_linear_and_beyond_the_last_it_stays() {
        let scale = Scale::new(&[(0, 0), (4, 10), (6, 1000)]);
        assert_eq!(scale.scores(), [0, 3, 5, 8, 10, 505, 1000]);
        assert_eq!(scale.score(99), 1000);
        assert_eq!(scale.score(-1), 0);
    }
}
