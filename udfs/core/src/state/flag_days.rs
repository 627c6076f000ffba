//! On which days a user's compliance flags have been told: once a day of event time (UTC) and kind is enough.
//!
//! Events may come out of order, so the memory holds the newest day of each kind and which of the days before it: bit i
//! of `mask` is set when the kind was told on day `newest - i`.

/// Days of each kind that are remembered.
pub const DAYS_REMEMBERED: i64 = 32;

/// One kind of flag: its newest day (days since the epoch), and the days before it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    kind: Box<str>,
    newest: i64,
    mask: u32,
}

/// The days of every kind, in the order in which the kinds were first told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagDays {
    kinds: Vec<Told>,
}

impl FlagDays {
    /// Has `kind` been told on `day`? A day too old to be remembered counts as told.
    pub fn was_told(&self, kind: &str, day: i64) -> bool {
        let Some(told) = self.kinds.iter().find(|told| &*told.kind == kind) else { return false };
        let age = told.newest - day;
        age >= DAYS_REMEMBERED || (age >= 0 && told.mask >> age & 1 == 1)
    }

    /// Remember that `kind` was told on `day`.
    pub fn learn(&mut self, kind: &str, day: i64) {
        let Some(told) = self.kinds.iter_mut().find(|told| &*told.kind == kind) else {
            self.kinds.push(Told { kind: kind.into(), newest: day, mask: 1 });
            return;
        };
        if day > told.newest {
            let passed = day - told.newest;
            told.mask = if passed < DAYS_REMEMBERED { told.mask << passed } else { 0 };
            told.newest = day;
        }
        let age = told.newest - day;
        if age < DAYS_REMEMBERED {
            told.mask |= 1 << age;
        }
    }

    /// Take what was stored of one kind.
    pub fn restore(&mut self, kind: &str, newest: i64, mask: u32) {
        self.kinds.push(Told { kind: kind.into(), newest, mask });
    }

    /// Each kind, its newest day and the days before it.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, i64, u32)> {
        self.kinds.iter().map(|told| (&*told.kind, told.newest, told.mask))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 20_000;

    /// What is told of flags in their order, as (kind, day).
    fn told(events: &[(&'static str, i64)]) -> Vec<(&'static str, i64)> {
        let mut memory = FlagDays::default();
        let mut found = Vec::new();
        for (kind, day) in events {
            if !memory.was_told(kind, *day) {
                memory.learn(kind, *day);
                found.push((*kind, *day));
            }
        }
        found
    }

    fn events(days: std::ops::Range<i64>) -> impl Strategy<Value = Vec<(&'static str, i64)>> {
        prop::collection::vec((prop::sample::select(vec!["AML", "KYC"]), days), 0..60)
    }

    proptest! {
        #[test]
        fn within_a_month_each_kind_is_told_exactly_once_a_day(events in events(DAY..DAY + DAYS_REMEMBERED)) {
            let mut seen = HashSet::new();
            let firsts: Vec<_> = events.iter().copied().filter(|event| seen.insert(*event)).collect();
            prop_assert_eq!(told(&events), firsts);
        }

        #[test]
        fn no_flag_is_told_twice_for_a_day(events in events(0..500)) {
            let found = told(&events);
            let different: HashSet<_> = found.iter().collect();
            prop_assert_eq!(different.len(), found.len());
        }
    }

    #[test]
    fn a_day_beyond_the_memory_counts_as_told() {
        assert_eq!(told(&[("AML", DAY), ("AML", DAY - DAYS_REMEMBERED)]), [("AML", DAY)]);
        let last = DAY - DAYS_REMEMBERED + 1;
        assert_eq!(told(&[("AML", DAY), ("AML", last)]), [("AML", DAY), ("AML", last)]);
    }

    #[test]
    fn the_memory_has_one_item_a_kind() {
        let mut memory = FlagDays::default();
        for day in DAY..DAY + 400 {
            memory.learn("AML", day);
            memory.learn("PCI", day);
        }
        let kinds: Vec<_> = memory.iter().collect();
        assert_eq!(kinds, [("AML", DAY + 399, u32::MAX), ("PCI", DAY + 399, u32::MAX)]);
    }
}
