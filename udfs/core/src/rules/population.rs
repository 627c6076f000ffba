//! What rules may know about all users together, as of each moment.

use std::collections::HashMap;

/// The figures' names, in the order of `Figures`.
pub const POPULATION_NAMES: [&str; 5] = [
    "population_amount_p95",
    "population_km_from_home_p90",
    "population_fraud_rate",
    "city_fraud_rate",
    "statistics_as_of_ms",
];
const CITY_FRAUD_RATE: usize = 3;

/// One value for each of POPULATION_NAMES; NaN where it is not known.
pub type Figures = [f64; POPULATION_NAMES.len()];

/// The figures from a moment on. `values` holds no city's rate: those are in `city_rates`.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Epoch milliseconds; `i64::MIN` where the figures count at any time.
    pub from_ms: i64,
    pub values: Figures,
    pub city_rates: HashMap<Box<str>, f64>,
}

/// The figures of all moments.
#[derive(Clone, Debug, Default)]
pub struct Population {
    snapshots: Vec<Snapshot>,
}

impl Population {
    /// By snapshots of rising moments. Without any every figure is unknown, and so is all before the first.
    pub fn new(mut snapshots: Vec<Snapshot>) -> Self {
        snapshots.sort_by_key(|snapshot| snapshot.from_ms);
        Self { snapshots }
    }

    /// The figures for a transaction: those of the newest moment that is not after it, with its city looked up.
    pub fn figures(&self, time_ms: i64, city: Option<&str>) -> Figures {
        let place = self.snapshots.partition_point(|snapshot| snapshot.from_ms <= time_ms);
        let Some(snapshot) = place.checked_sub(1).and_then(|newest| self.snapshots.get(newest)) else {
            return [f64::NAN; POPULATION_NAMES.len()];
        };
        let mut figures = snapshot.values;
        figures[CITY_FRAUD_RATE] = city.and_then(|city| snapshot.city_rates.get(city)).copied().unwrap_or(f64::NAN);
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(from_ms: i64, amount: f64) -> Snapshot {
        let mut values = [f64::NAN; POPULATION_NAMES.len()];
        values[0] = amount;
        Snapshot { from_ms, values, city_rates: HashMap::from([("Berlin".into(), amount / 1000.0)]) }
    }

    #[test]
    fn the_newest_figures_that_are_not_after_the_transaction_count() {
        let population = Population::new(vec![snapshot(10, 1.0), snapshot(20, 2.0)]);
        assert!(population.figures(9, Some("Berlin")).iter().all(|value| value.is_nan()));
        assert_eq!(population.figures(10, None)[0], 1.0);
        assert_eq!(population.figures(19, Some("Berlin"))[CITY_FRAUD_RATE], 0.001);
        assert_eq!(population.figures(i64::MAX, Some("Berlin"))[0], 2.0);
        assert!(population.figures(20, Some("Bonn"))[CITY_FRAUD_RATE].is_nan());
    }
}
