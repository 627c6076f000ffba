//! What was known of an entity as of a moment.

/// Spans of fraud rates in days: of merchants, of other narrow kinds, of broad kinds.
pub const RISK_DAYS: [i64; 5] = [1, 3, 7, 14, 30];
pub const LONG_RISK_DAYS: [i64; 1] = [30];
pub const BROAD_RISK_DAYS: [i64; 3] = [7, 30, 90];
/// The most spans that a kind may have.
pub const MOST_RISK_DAYS: usize = 8;

/// Smoothed fraud rates, one for each of the kind's risk days; NaN where the span has no transaction.
#[derive(Clone, Copy, Debug)]
pub struct FraudRates {
    rates: [f64; MOST_RISK_DAYS],
    count: usize,
}

impl FraudRates {
    /// As many rates as the iterator gives, up to MOST_RISK_DAYS.
    pub fn new(rates: impl Iterator<Item = f64>) -> Self {
        let mut found = Self { rates: [f64::NAN; MOST_RISK_DAYS], count: 0 };
        for rate in rates.take(MOST_RISK_DAYS) {
            found.rates[found.count] = rate;
            found.count += 1;
        }
        found
    }

    /// Shortest span first.
    pub fn as_slice(&self) -> &[f64] {
        &self.rates[..self.count]
    }
}

/// The numbers. NaN: not known.
#[derive(Clone, Copy, Debug)]
pub struct EntityRisk {
    pub fraud_rates: FraudRates,
    /// Transactions of the newest 24 and 168 hourly buckets.
    pub transactions_1d: i64,
    pub transactions_7d: i64,
    /// Distinct users over the whole span; 0 for broad kinds, for which no users are counted.
    pub users_1d: i64,
    pub users_7d: i64,
    /// Start of the first bucket that held a transaction, epoch milliseconds; `None`: nothing happened yet.
    pub first_seen_ms: Option<i64>,
    /// Later arrivals may still change one of the numbers.
    pub stale: bool,
    /// Frauds that became known in those 168 buckets and have not been cleared since.
    pub frauds_reported_7d: f64,
    /// Sum of the amounts in those 24 buckets, minor units of the base currency.
    pub amount_minor_1d: f64,
    /// Mean and population standard deviation of ln(1 + amount in major units) over 30 days; of the kind category only,
    /// NaN below 20 transactions.
    pub log_amount_mean: f64,
    pub log_amount_deviation: f64,
    /// Start of the UTC day (epoch milliseconds) of the newest fraud in the longest span of fraud rates, and of the first
    /// day of the run that it ends: days of fraud at most 7 apart. Merchants only; NaN without a fraud.
    pub fraud_day_ms: f64,
    pub fraud_run_ms: f64,
}

impl EntityRisk {
    /// Is the last day busier than the days of its week? NaN for a week without anything.
    pub fn activity_ratio(&self) -> f64 {
        if self.transactions_7d == 0 {
            return f64::NAN;
        }
        7.0 * self.transactions_1d as f64 / self.transactions_7d as f64
    }
}
