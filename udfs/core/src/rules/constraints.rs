//! What comparisons leave of the values that a number or a text can have.

use std::cmp::Ordering;

use crate::rules::domains::Domain;
use crate::rules::expressions::ComparisonOperator;

/// Ranges of whole numbers up to this width are searched for a value that is left.
const SEARCHED: f64 = 64.0;

/// The values above or below a bound.
#[derive(Clone, Debug)]
struct Bound<T> {
    value: T,
    is_included: bool,
}

/// The values that are left, by comparisons with constants that all have to hold.
#[derive(Clone, Debug)]
pub struct Left<T> {
    low: Option<Bound<T>>,
    high: Option<Bound<T>>,
    only: Option<Vec<T>>,
    without: Vec<T>,
    is_whole: bool,
}

impl<T: Clone + PartialOrd> Left<T> {
    fn of(low: Option<T>, high: Option<T>, only: Option<Vec<T>>, is_whole: bool) -> Self {
        let included = |value| Bound { value, is_included: true };
        Self { low: low.map(included), high: high.map(included), only, without: Vec::new(), is_whole }
    }

    /// What `operator value` leaves.
    pub fn compare(&mut self, operator: ComparisonOperator, value: &T) {
        match operator {
            ComparisonOperator::Equal => self.one_of(std::slice::from_ref(value)),
            ComparisonOperator::NotEqual => self.none_of(std::slice::from_ref(value)),
            ComparisonOperator::Less | ComparisonOperator::LessOrEqual => {
                let is_included = operator == ComparisonOperator::LessOrEqual;
                if is_tighter(self.high.as_ref(), value, is_included, Ordering::Less) {
                    self.high = Some(Bound { value: value.clone(), is_included });
                }
            }
            ComparisonOperator::Greater | ComparisonOperator::GreaterOrEqual => {
                let is_included = operator == ComparisonOperator::GreaterOrEqual;
                if is_tighter(self.low.as_ref(), value, is_included, Ordering::Greater) {
                    self.low = Some(Bound { value: value.clone(), is_included });
                }
            }
        }
    }

    /// What a list leaves.
    pub fn one_of(&mut self, values: &[T]) {
        let is_allowed = |value: &&T| self.only.as_ref().is_none_or(|only| only.contains(value));
        self.only = Some(values.iter().filter(is_allowed).cloned().collect());
    }

    /// What a list excludes is not left.
    pub fn none_of(&mut self, values: &[T]) {
        self.without.extend_from_slice(values);
    }

    fn fits(&self, value: &T) -> bool {
        let is_below = self.high.as_ref().is_none_or(|high| match value.partial_cmp(&high.value) {
            Some(Ordering::Equal) => high.is_included,
            order => order == Some(Ordering::Less),
        });
        let is_above = self.low.as_ref().is_none_or(|low| match value.partial_cmp(&low.value) {
            Some(Ordering::Equal) => low.is_included,
            order => order == Some(Ordering::Greater),
        });
        is_below && is_above && !self.without.contains(value)
    }

    /// Is a value left by the list or by the bounds? Of bounds that nothing lies between it may say so all the same.
    fn has_value(&self) -> bool {
        if let Some(only) = &self.only {
            return only.iter().any(|value| self.fits(value));
        }
        match (&self.low, &self.high) {
            (Some(low), Some(high)) => match low.value.partial_cmp(&high.value) {
                Some(Ordering::Less) => true,
                Some(Ordering::Equal) => self.fits(&low.value),
                _ => false,
            },
            _ => true,
        }
    }
}

/// Is `value` a tighter bound than the one there is? `towards` is the side on which tighter bounds lie.
fn is_tighter<T: PartialOrd>(bound: Option<&Bound<T>>, value: &T, is_included: bool, towards: Ordering) -> bool {
    bound.is_none_or(|bound| match value.partial_cmp(&bound.value) {
        Some(Ordering::Equal) => bound.is_included && !is_included,
        order => order == Some(towards),
    })
}

impl Left<f64> {
    /// All numbers of a domain.
    pub fn of_domain(domain: Domain) -> Self {
        Self::of(Some(domain.low), Some(domain.high), None, domain.is_whole)
    }

    /// Is a number left?
    pub fn is_possible(&self) -> bool {
        match (&self.low, &self.high) {
            (Some(low), Some(high)) if self.is_whole && self.only.is_none() => {
                let (first, last) = (low.value.ceil(), high.value.floor());
                let count = last - first;
                // Not in the bounds, too many to search, or searched one by one.
                // Unknown between infinities.
                (count >= 0.0 || count.is_nan())
                    && (count > SEARCHED || (0..=count as u32).any(|step| self.fits(&(first + f64::from(step)))))
            }
            _ if self.is_whole => {
                let whole = |value: &&f64| value.fract() == 0.0;
                self.only.iter().flatten().filter(whole).any(|value| self.fits(value))
            }
            _ => self.has_value(),
        }
    }
}

impl Left<String> {
    /// All texts, or only some.
    pub fn of_codes(codes: Option<&[&str]>) -> Self {
        let codes = codes.map(|codes| codes.iter().map(|code| code.to_string()).collect());
        Self::of(Some(String::new()), None, codes, false)
    }

    /// Is a text left?
    pub fn is_possible(&self) -> bool {
        self.has_value()
    }
}
