//! Reading one entity's buckets as of a moment.

use crate::entities::buckets::{BucketRow, BucketSettings, DAY_HOURS, FOR_EVER_MS, WEEK_HOURS};
use crate::entities::kinds::EntityKind;
use crate::entities::risk::EntityRisk;
use crate::prefetch;
use crate::time_units::HOUR_MS;
use crate::wide::ratio;

mod columns;
mod frauds;
pub use columns::Unsound;
use columns::{Sums, changes, check_lengths, float_sums, offsets, sums};

/// Below so many transactions their amounts tell nothing of the category.
const FEWEST_AMOUNTS: i64 = 20;
/// Days over which a category's amounts are known.
const AMOUNT_DAYS: i64 = 30;
/// Of ln(1 + amount), which is kept in millionths: below it all amounts were the same.
const SMALLEST_VARIANCE: f64 = 1e-6;
const MILLION: f64 = 1e6;

/// One entity's buckets, ready to be read as of any moment: sums up to each hour, in place of each hour's own numbers.
#[derive(Clone, Debug)]
pub struct EntityHistory {
    /// The event time up to which everything was counted, epoch milliseconds.
    pub complete_through_ms: i64,
    kind: EntityKind,
    first_active_hour: Option<i64>,
    /// Hours since the first of them.
    hours: Box<[u32]>,
    first_hour: i64,
    transactions: Sums,
    frauds: Sums,
    users_1d: Sums,
    users_7d: Sums,
    amounts: Box<[f64]>,
    reported: Sums,
    logarithms: Sums,
    squares: Sums,
    has_logarithms: bool,
    figures_from: i64,
    withdrawn: Box<[(i64, i64)]>,
    memo: Option<(Reading, EntityRisk)>,
}

/// Two readings of which these are equal give the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    label_end: i64,
    activity_end: i64,
    complete_through_ms: i64,
}

impl EntityHistory {
    /// Raises `Unsound` for columns of different lengths, hours that do not rise, and sums out of range.
    pub fn new(row: BucketRow, kind: EntityKind) -> Result<Self, Unsound> {
        let length = row.hours.len();
        let counts_users = !kind.is_broad();
        check_lengths(&row, counts_users)?;
        let first_hour = row.hours.first().copied().unwrap_or(0);
        let hours = offsets(&row.hours, first_hour)?;
        let figures_from = match row.figures_from_hour {
            _ if row.amounts.len() != length => FOR_EVER_MS, // written by an earlier version
            0 => -FOR_EVER_MS,
            hour => hour,
        };
        let users = |column: &[i64], name| if counts_users { changes(column, name) } else { Ok(Sums::default()) };
        Ok(Self {
            complete_through_ms: row.complete_through_ms,
            kind,
            first_active_hour: row.first_hour,
            hours,
            first_hour,
            transactions: sums(&row.transactions, "transactions")?,
            frauds: sums(&row.frauds, "frauds")?,
            users_1d: users(&row.users_1d, "users_1d")?,
            users_7d: users(&row.users_7d, "users_7d")?,
            amounts: float_sums(&row.amounts)?,
            reported: changes(&row.reported, "reported")?,
            has_logarithms: row.log_amounts.len() == length && kind == EntityKind::Category,
            logarithms: sums(&row.log_amounts, "log_amounts")?,
            squares: sums(&row.log_amount_squares, "log_amount_squares")?,
            figures_from,
            withdrawn: row.withdrawn.into(),
            memo: None,
        })
    }

    /// An entity that has done nothing yet, in a store that is complete for ever.
    pub fn empty(kind: EntityKind) -> Self {
        Self {
            complete_through_ms: FOR_EVER_MS,
            kind,
            first_active_hour: None,
            hours: Box::default(),
            first_hour: 0,
            transactions: Sums::default(),
            frauds: Sums::default(),
            users_1d: Sums::default(),
            users_7d: Sums::default(),
            amounts: Box::default(),
            reported: Sums::default(),
            logarithms: Sums::default(),
            squares: Sums::default(),
            has_logarithms: kind == EntityKind::Category,
            figures_from: -FOR_EVER_MS,
            withdrawn: Box::default(),
            memo: None,
        }
    }

    /// Read all numbers as of a moment; within one hour of reading they do not change.
    pub fn as_of(&mut self, time_ms: i64, settings: &BucketSettings) -> EntityRisk {
        let reading = Reading {
            // Buckets before these hours have ended in time.
            label_end: (time_ms - settings.label_delay_ms).div_euclid(HOUR_MS),
            activity_end: (time_ms - settings.activity_delay_ms).div_euclid(HOUR_MS),
            complete_through_ms: self.complete_through_ms,
        };
        match &self.memo {
            Some((known, risk)) if *known == reading => *risk,
            _ => self.memo.insert((reading, self.read(reading, settings))).1,
        }
    }

    /// Ask for the memory that reading as of now needs, unless it was read in this hour.
    pub fn prefetch(&self) {
        prefetch::end_of(&self.hours);
        for column in [&self.transactions, &self.frauds, &self.users_1d, &self.users_7d, &self.reported] {
            prefetch::end_of(column);
        }
        prefetch::end_of(&self.amounts);
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        let columns = [
            &self.transactions,
            &self.frauds,
            &self.users_1d,
            &self.users_7d,
            &self.reported,
            &self.logarithms,
            &self.squares,
        ];
        columns.iter().map(|column| column.len() * 8).sum::<usize>() + self.amounts.len() * 8 + self.hours.len() * 4
    }

    fn read(&self, reading: Reading, settings: &BucketSettings) -> EntityRisk {
        let Reading { label_end, activity_end, complete_through_ms } = reading;
        let until = self.hours_before(activity_end);
        let day_before = self.hours_before(activity_end - DAY_HOURS);
        let week_before = self.hours_before(activity_end - WEEK_HOURS);
        // From this moment on nothing that arrives can change buckets before the two hours.
        let final_ms =
            (activity_end * HOUR_MS + settings.activity_delay_ms).max(label_end * HOUR_MS + settings.label_delay_ms);
        let (log_amount_mean, log_amount_deviation) = self.amounts_of_days(activity_end, until);
        let (fraud_day_ms, fraud_run_ms) = self.fraud_run(label_end, settings);
        let is_figured_since = |hours: i64| activity_end - hours >= self.figures_from;
        let float = |value: f64, is_known: bool| if is_known { value } else { f64::NAN };
        EntityRisk {
            fraud_rates: self.fraud_rates(label_end, settings),
            transactions_1d: at(&self.transactions, until) - at(&self.transactions, day_before),
            transactions_7d: at(&self.transactions, until) - at(&self.transactions, week_before),
            users_1d: at(&self.users_1d, until),
            users_7d: at(&self.users_7d, until),
            first_seen_ms: self
                .first_active_hour
                .filter(|hour| *hour < activity_end)
                .map(|hour| hour.saturating_mul(HOUR_MS)),
            stale: final_ms > complete_through_ms,
            frauds_reported_7d: float(at(&self.reported, until) as f64, is_figured_since(WEEK_HOURS)),
            amount_minor_1d: float(
                float_at(&self.amounts, until) - float_at(&self.amounts, day_before),
                is_figured_since(DAY_HOURS),
            ),
            log_amount_mean,
            log_amount_deviation,
            fraud_day_ms,
            fraud_run_ms,
        }
    }

    /// Mean and population standard deviation of ln(1 + amount) in the last AMOUNT_DAYS.
    fn amounts_of_days(&self, activity_end: i64, until: usize) -> (f64, f64) {
        let start = window_start(activity_end, AMOUNT_DAYS);
        let since = self.hours_before(start).min(until);
        let count = at(&self.transactions, until) - at(&self.transactions, since);
        if !self.has_logarithms || count < FEWEST_AMOUNTS || start < self.figures_from {
            return (f64::NAN, f64::NAN);
        }
        let mean_of = |column: &Sums| {
            let sum = at(column, until) - at(column, since);
            ratio(sum.max(0) as u128, count as u128) / MILLION
        };
        let mean = mean_of(&self.logarithms);
        let variance = mean_of(&self.squares) - mean * mean;
        (mean, if variance > SMALLEST_VARIANCE { variance.sqrt() } else { 0.0 })
    }

    /// How many of the hours are before `hour`.
    fn hours_before(&self, hour: i64) -> usize {
        let offset = hour.saturating_sub(self.first_hour);
        self.hours.partition_point(|known| i64::from(*known) < offset)
    }

    fn hour(&self, place: usize) -> i64 {
        self.first_hour + self.hours.get(place).map_or(0, |offset| i64::from(*offset))
    }
}

fn at(sums: &Sums, place: usize) -> i64 {
    sums.get(place).copied().unwrap_or(0)
}

fn float_at(sums: &[f64], place: usize) -> f64 {
    sums.get(place).copied().unwrap_or(0.0)
}

/// First hour of the `days` that end with `end_hour` (exclusive). More than a week starts at a UTC midnight, so that older
/// hours can be merged to days: 14 days are 14 to 15.
fn window_start(end_hour: i64, days: i64) -> i64 {
    let start = end_hour - DAY_HOURS * days;
    if days <= 7 { start } else { start - start.rem_euclid(DAY_HOURS) }
}
