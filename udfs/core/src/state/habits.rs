//! The user's long-lived habits: exact sums over all accepted transactions and by day, and bounded sets of what is known.
//!
//! A transaction is learned after it was scored, so that habits never contain the current one. Sums are integers in
//! minor units: the same transactions give the same habits in whatever order of arrival.

use crate::prefetch;
use crate::state::entries::TransactionEntry;
use crate::state::known::Known;
use crate::state::memory::vec_bytes;
use crate::state::settings::HabitSettings;
use crate::state::sums::Sums;
use crate::state::texts::{Symbol, Texts};
use crate::time_units::DAY_MS;

/// What a user paid to one merchant and got back, in minor units, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dealings {
    pub purchased: u128,
    pub refunded: u128,
    pub refunds: u64,
}

/// What a user spent in one merchant category: transactions and their sum in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CategorySpend {
    pub count: u64,
    pub total: u128,
}

/// Sums of the 6 and of the 29 days before a day.
#[derive(Clone, Copy, Debug)]
struct PastDays {
    day: i64,
    week: Sums,
    month: Sums,
}

/// Lifetime sums, sums of each of the last days (UTC), and what is known. Lists are in the order of first use.
#[derive(Clone, Debug)]
pub struct Habits {
    pub lifetime: Sums,
    /// The greatest amount, minor units.
    pub peak: u64,
    /// The earliest event time, -1 before any.
    pub first_ms: i64,
    pub night_count: u64,
    /// Days since the epoch, -1 before any.
    pub newest_day: i64,
    pub days: Vec<(i64, Sums)>,
    pub devices: Known,
    pub countries: Known,
    pub cities: Known,
    pub merchants: Known,
    pub categories: Known,
    pub ip_addresses: Known,
    pub beneficiaries: Known,
    category_spend: Vec<(Symbol, CategorySpend)>,
    /// What all known categories add up to, minor units.
    pub category_total: u128,
    merchant_dealings: Vec<(Symbol, Dealings)>,
    past: Option<PastDays>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            lifetime: Sums::default(),
            peak: 0,
            first_ms: -1,
            night_count: 0,
            newest_day: -1,
            days: Vec::new(),
            devices: Known::default(),
            countries: Known::default(),
            cities: Known::default(),
            merchants: Known::default(),
            categories: Known::default(),
            ip_addresses: Known::default(),
            beneficiaries: Known::default(),
            category_spend: Vec::new(),
            category_total: 0,
            merchant_dealings: Vec::new(),
            past: None,
        }
    }
}

impl Habits {
    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        prefetch::end_of(&self.days);
        for known in self.known() {
            known.prefetch();
        }
        prefetch::end_of(&self.category_spend);
        prefetch::end_of(&self.merchant_dealings);
    }

    /// What the user spent in a known category.
    pub fn spend_in(&self, category: Option<Symbol>) -> Option<&CategorySpend> {
        let category = category?;
        self.category_spend.iter().find(|known| known.0 == category).map(|known| &known.1)
    }

    /// The dealings with a known merchant.
    pub fn dealings_with(&self, merchant: Option<Symbol>) -> Option<&Dealings> {
        let merchant = merchant?;
        self.merchant_dealings.iter().find(|known| known.0 == merchant).map(|known| &known.1)
    }

    /// Categories and what was spent there, in the order of first use.
    pub fn category_spend(&self) -> &[(Symbol, CategorySpend)] {
        &self.category_spend
    }

    /// Merchants and the dealings with them, in the order of first use.
    pub fn merchant_dealings(&self) -> &[(Symbol, Dealings)] {
        &self.merchant_dealings
    }

    /// Take in a transaction that is not `late`.
    pub fn learn(&mut self, entry: &TransactionEntry, settings: &HabitSettings, texts: &mut Texts) {
        let time_ms = entry.timestamp_ms;
        self.lifetime.add(entry.minor);
        self.peak = self.peak.max(entry.minor);
        if self.first_ms < 0 || time_ms < self.first_ms {
            self.first_ms = time_ms;
        }
        self.night_count += u64::from(entry.night);
        self.learn_day(time_ms.div_euclid(DAY_MS), entry.minor, settings);
        for (known, value, limit) in [
            (&mut self.devices, entry.device, settings.devices),
            (&mut self.countries, entry.country, settings.countries),
            (&mut self.cities, entry.city, settings.cities),
            (&mut self.ip_addresses, entry.ip_address, settings.ip_addresses),
            (&mut self.beneficiaries, entry.beneficiary, settings.beneficiaries),
        ] {
            if let Some(value) = value {
                let forgotten = known.remember(value, time_ms, limit, texts);
                texts.release(forgotten);
            }
        }
        if let Some(merchant) = entry.merchant {
            self.learn_merchant(merchant, entry, settings.merchants, texts);
        }
        if let Some(category) = entry.category {
            self.learn_category(category, entry, settings.categories, texts);
        }
    }

    /// Sums over the 7 and the 30 days that end with `day` (that day as far as it has arrived).
    pub fn days_until(&mut self, day: i64) -> (Sums, Sums) {
        let past = match self.past {
            Some(past) if past.day == day => past,
            _ => *self.past.insert(past_days(&self.days, day)),
        };
        match self.days.iter().rev().find(|known| known.0 == day) {
            Some((_, today)) => (past.week.plus(today), past.month.plus(today)),
            None => (past.week, past.month),
        }
    }

    /// Take a stored category's spend.
    pub fn restore_category(&mut self, text: &str, spend: CategorySpend, texts: &mut Texts) {
        self.category_total = self.category_total.saturating_add(spend.total);
        self.category_spend.push((texts.hold(text), spend));
    }

    /// Take the stored dealings with a merchant.
    pub fn restore_merchant(&mut self, text: &str, dealings: Dealings, texts: &mut Texts) {
        self.merchant_dealings.push((texts.hold(text), dealings));
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        self.known().into_iter().map(Known::heap_bytes).sum::<usize>()
            + vec_bytes(&self.days)
            + vec_bytes(&self.category_spend)
            + vec_bytes(&self.merchant_dealings)
    }

    fn known(&self) -> [&Known; 7] {
        [
            &self.devices,
            &self.countries,
            &self.cities,
            &self.merchants,
            &self.categories,
            &self.ip_addresses,
            &self.beneficiaries,
        ]
    }

    fn learn_day(&mut self, day: i64, minor: u64, settings: &HabitSettings) {
        if day > self.newest_day {
            self.newest_day = day;
            self.days.retain(|known| known.0 >= day - settings.days);
        } else if day < self.newest_day {
            self.past = None;
        }
        match self.days.iter_mut().rev().find(|known| known.0 == day) {
            Some((_, sums)) => sums.add(minor),
            None => {
                let mut sums = Sums::default();
                sums.add(minor);
                self.days.push((day, sums));
            }
        }
    }

    fn learn_merchant(&mut self, merchant: Symbol, entry: &TransactionEntry, limit: usize, texts: &mut Texts) {
        if let Some(forgotten) = self.merchants.remember(merchant, entry.timestamp_ms, limit, texts) {
            if let Some(at) = self.merchant_dealings.iter().position(|known| known.0 == forgotten) {
                self.merchant_dealings.remove(at);
                texts.release(Some(forgotten));
            }
            texts.release(Some(forgotten));
        }
        let at = place_of(&mut self.merchant_dealings, merchant, texts);
        let dealings = &mut self.merchant_dealings[at].1;
        let minor = u128::from(entry.minor);
        if entry.refund {
            dealings.refunded = dealings.refunded.saturating_add(minor);
            dealings.refunds = dealings.refunds.saturating_add(1);
        } else {
            dealings.purchased = dealings.purchased.saturating_add(minor);
        }
    }

    fn learn_category(&mut self, category: Symbol, entry: &TransactionEntry, limit: usize, texts: &mut Texts) {
        if let Some(forgotten) = self.categories.remember(category, entry.timestamp_ms, limit, texts) {
            if let Some(at) = self.category_spend.iter().position(|known| known.0 == forgotten) {
                let (_, spend) = self.category_spend.remove(at);
                self.category_total = self.category_total.saturating_sub(spend.total);
                texts.release(Some(forgotten));
            }
            texts.release(Some(forgotten));
        }
        let at = place_of(&mut self.category_spend, category, texts);
        let spend = &mut self.category_spend[at].1;
        let minor = u128::from(entry.minor);
        spend.count = spend.count.saturating_add(1);
        spend.total = spend.total.saturating_add(minor);
        self.category_total = self.category_total.saturating_add(minor);
    }
}

/// Where the figures of a value stand in a list; a new one goes to its end, and the list holds it.
fn place_of<T: Default>(list: &mut Vec<(Symbol, T)>, value: Symbol, texts: &mut Texts) -> usize {
    list.iter().position(|known| known.0 == value).unwrap_or_else(|| {
        texts.hold_again(Some(value));
        list.push((value, T::default()));
        list.len() - 1
    })
}

/// Sums over the 6 and the 29 days before a day.
fn past_days(days: &[(i64, Sums)], day: i64) -> PastDays {
    let mut past = PastDays { day, week: Sums::default(), month: Sums::default() };
    for (known, sums) in days {
        if (day - 29..day).contains(known) {
            past.month = past.month.plus(sums);
            if *known >= day - 6 {
                past.week = past.week.plus(sums);
            }
        }
    }
    past
}
