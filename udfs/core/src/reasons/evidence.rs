//! Is a feature's value a reason? Known, in the direction that raises the risk, and unusual for user or population.

use crate::features::signal::{Direction, Signal};
use crate::reasons::catalogue::Known;
use crate::reasons::inputs::{AlertInputs, Q01, Q05, Q25, Q50, Q75, Q95, Q99};
use crate::reasons::usual::{FEWEST_PAYMENTS, UserAmounts};

/// A fraud rate is a reason from so many times the base rate on; at it there is at least one fraud beyond the prior.
const CLEARLY_ABOVE_BASE: f64 = 2.0;
const SELDOM_AT_NIGHT: f64 = 0.1;
const SMALL_AMOUNT_RATIO: f64 = 0.1;

/// A value that is a reason. `strength` tells how far it is out, to choose between spans of time; 0 where the value is
/// no reason by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The feature's position.
    pub feature: usize,
    pub value: f64,
    pub rank: u8,
    pub strength: f64,
}

/// Looks at the features of one alert.
#[derive(Debug)]
pub struct Examiner<'a> {
    pub inputs: &'a AlertInputs<'a>,
    pub amounts: Option<UserAmounts>,
}

impl<'a> Examiner<'a> {
    /// Of one alert.
    pub fn new(inputs: &'a AlertInputs<'a>) -> Self {
        Self { inputs, amounts: inputs.user_amounts() }
    }

    /// A feature's value as evidence, or `None` if it is no reason. What speaks of the hour is evidence by the local hour.
    pub fn examine(&self, position: usize) -> Option<Evidence> {
        let feature = self.inputs.feature(position)?;
        let signal = &feature.signal;
        let value = self.inputs.value(position);
        if signal.direction == Direction::Never || value.is_nan() || !self.means_something(feature) {
            return None;
        }
        let position =
            if signal.direction == Direction::Night { self.inputs.catalogue.at.hour_local } else { position };
        let value = self.inputs.value(position);
        let strength = self.strength(position, value, signal);
        (strength > 0.0).then_some(Evidence { feature: position, value, rank: signal.rank, strength })
    }

    /// A feature that a rule is about; of no strength where the value is no reason by itself. `None`: not known.
    pub fn as_it_is(&self, position: usize) -> Option<Evidence> {
        let value = self.inputs.value(position);
        if value.is_nan() {
            return None;
        }
        let rank = self.inputs.feature(position)?.signal.rank;
        self.examine(position).or(Some(Evidence { feature: position, value, rank, strength: 0.0 }))
    }

    /// Does a value that is no reason by itself lean towards one? Told only where there is nothing else to tell.
    pub fn is_slightly(&self, position: usize) -> bool {
        let Some(feature) = self.inputs.feature(position) else { return false };
        let (signal, value) = (&feature.signal, self.inputs.value(position));
        if value.is_nan() || value == 0.0 || !self.means_something(feature) {
            return false;
        }
        let levels = self.inputs.levels(position);
        match signal.direction {
            Direction::High => {
                let is_beyond = signal.most > 0.0 && value > signal.most;
                // A count of one tells nothing, but of frauds.
                let is_more_than_one = value > 1.0 || signal.least == 1.0;
                !is_beyond
                    && is_more_than_one
                    && !signal.concept.ends_with("_activity")
                    && levels[Q75].map_or(value >= signal.least, |upper| value > upper)
            }
            Direction::Amount if signal.least != 0.0 => value > 1.2,
            Direction::Amount => levels[Q50].is_some_and(|middle| value > middle),
            Direction::Low => value <= 4.0 * signal.most && levels[Q25].is_none_or(|lower| value < lower),
            Direction::Rate => value > 1.2 * self.inputs.base_rate,
            Direction::True => value == 1.0,
            Direction::Either | Direction::False | Direction::Night | Direction::Never => false,
        }
    }

    /// Is it an amount that looks like a try, or another number below nearly all of the population?
    pub fn is_small(&self, position: usize, value: f64, signal: &Signal) -> bool {
        match self.amounts.filter(|_| signal.direction == Direction::Amount) {
            None => self.inputs.levels(position)[Q05].is_some_and(|limit| value < limit),
            // A multiple of something else than what this user pays on average.
            Some(_) if signal.least != 0.0 && value >= signal.least => false,
            Some(amounts) => {
                let amount = self.inputs.value(self.inputs.catalogue.at.amount);
                amount < amounts.low && amount <= SMALL_AMOUNT_RATIO * amounts.mean
            }
        }
    }

    /// How far a value is out; 0 where it is no reason.
    fn strength(&self, position: usize, value: f64, signal: &Signal) -> f64 {
        let levels = self.inputs.levels(position);
        match signal.direction {
            Direction::High => {
                let is_within = value >= signal.least && !(signal.most > 0.0 && value > signal.most);
                if !(is_within && is_high(value, signal, levels[Q95])) {
                    return 0.0;
                }
                value / if signal.clear < f64::INFINITY { signal.clear } else { signal.least }
            }
            Direction::Low => {
                let is_within = signal.least <= value && value <= signal.most;
                if !(is_within && is_low(value, signal, levels[Q05])) {
                    return 0.0;
                }
                1.0 + (signal.most - value) / (signal.most + 1.0)
            }
            Direction::True => one_if(value == 1.0 && levels[Q75].map_or(signal.clear <= 1.0, |limit| limit < 1.0)),
            Direction::False => one_if(value == 0.0 && levels[Q25].is_some_and(|limit| limit > 0.0)),
            Direction::Rate => {
                let least = CLEARLY_ABOVE_BASE * self.inputs.base_rate;
                let is_clear = value >= least && levels[Q95].is_none_or(|limit| value > limit);
                if is_clear { value / least } else { 0.0 }
            }
            Direction::Night => one_if(self.is_unusual_at_night()),
            Direction::Amount if signal.least != 0.0 => self.multiple(position, value, signal),
            Direction::Amount => self.amount(position, value, signal),
            Direction::Either => {
                one_if(levels[Q01].is_some_and(|limit| value < limit) || levels[Q99].is_some_and(|limit| value > limit))
            }
            Direction::Never => 0.0,
        }
    }

    /// The amount against what this user pays: beyond the user's range, or far more than others pay above their own.
    fn multiple(&self, position: usize, value: f64, signal: &Signal) -> f64 {
        if value < signal.least {
            let is_ratio_to_mean =
                self.inputs.feature(position).is_some_and(|feature| &*feature.name == "amount_vs_user_avg");
            return one_if(is_ratio_to_mean && self.is_small(position, value, signal));
        }
        let amount = self.inputs.value(self.inputs.catalogue.at.amount);
        let is_beyond = self.amounts.map_or(value >= signal.clear, |amounts| amount > amounts.high);
        let is_rare = self.inputs.levels(position)[Q95].is_some_and(|limit| value > limit);
        if is_beyond || is_rare { value / signal.least } else { 0.0 }
    }

    /// The amount itself: beyond the user's range, or the population's where nothing is known of the user.
    fn amount(&self, position: usize, value: f64, signal: &Signal) -> f64 {
        let levels = self.inputs.levels(position);
        if self.is_small(position, value, signal) {
            return one_if(levels[Q05].is_some_and(|lowest| value < lowest));
        }
        match self.amounts {
            Some(amounts) if value > amounts.high && value > 2.0 * amounts.mean => value / amounts.mean,
            Some(_) => 0.0,
            None => one_if(levels[Q95].is_some_and(|highest| value > highest)),
        }
    }

    fn is_unusual_at_night(&self) -> bool {
        let (inputs, at) = (self.inputs, &self.inputs.catalogue.at);
        if inputs.value(at.is_night) != 1.0 {
            return false;
        }
        let share = inputs.value(at.user_night_share);
        if inputs.value(at.user_txn_count) >= FEWEST_PAYMENTS && !share.is_nan() {
            return share < SELDOM_AT_NIGHT;
        }
        inputs.levels(at.is_night)[Q75].is_none_or(|limit| limit < 1.0)
    }

    fn means_something(&self, feature: &Known) -> bool {
        feature.needs.is_none_or(|needs| self.inputs.value(needs) >= feature.signal.needs_least)
    }
}

fn one_if(is_reason: bool) -> f64 {
    if is_reason { 1.0 } else { 0.0 }
}

fn is_high(value: f64, signal: &Signal, limit: Option<f64>) -> bool {
    match limit {
        None => value >= signal.clear,
        Some(limit) => value > limit || (signal.personal && value >= signal.clear),
    }
}

fn is_low(value: f64, signal: &Signal, limit: Option<f64>) -> bool {
    match limit {
        None => value <= signal.certain,
        Some(limit) => value < limit || (signal.personal && value <= signal.certain),
    }
}
