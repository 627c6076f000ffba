//! Users with many events, in any order: windows by definition, memory with a limit, and the same after each load.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use crate::state::arrivals::IdKind;
use crate::state::entries::{EntryNumbers, EntryTexts, TransactionEntry};
use crate::state::settings::{AccountSettings, UserStateSettings};
use crate::state::user::{User, Write};
use crate::state::window::{Window, Windows};
use crate::time_units::{DAY_MS, HOUR_MS, MINUTE_MS};

#[derive(Clone, Debug)]
struct Paid {
    time_ms: i64,
    minor: u64,
    merchant: Option<usize>,
    country: usize,
}

/// Keyed state: the snapshot and the log.
#[derive(Default)]
struct Stored {
    snapshot: Option<Vec<u8>>,
    log: Vec<Vec<u8>>,
}

impl Stored {
    fn write(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Append(entry) => self.log.push(entry),
                Write::Replace(log) => self.log = log,
                Write::Snapshot(snapshot) => self.snapshot = Some(snapshot),
                Write::Clear => *self = Self::default(),
            }
        }
    }

    fn load(&self, settings: &UserStateSettings) -> User {
        let log: Vec<&[u8]> = self.log.iter().map(Vec::as_slice).collect();
        let account_settings = AccountSettings::new(settings.windows.horizon_ms());
        User::load(self.snapshot.as_deref(), &log, settings, &account_settings).expect("it was just written")
    }
}

/// What a user says of a payment, and what is in its state after it.
fn pay(
    user: &mut User,
    number: usize,
    paid: &Paid,
    settings: &UserStateSettings,
) -> (Option<Windows>, u64, Vec<Write>) {
    let newest_ms = user.newest_ms.max(paid.time_ms);
    let numbers = EntryNumbers {
        sequence: user.sequence + 1,
        timestamp_ms: paid.time_ms,
        remembered_ms: newest_ms,
        minor: paid.minor,
        latitude: None,
        longitude: None,
        late: newest_ms - paid.time_ms > settings.windows.lateness_ms,
        refund: false,
        declined: number.is_multiple_of(3),
        night: false,
    };
    let (merchant, country) = (paid.merchant.map(|merchant| merchant.to_string()), paid.country.to_string());
    let words = EntryTexts {
        merchant_id: merchant.as_deref(),
        category: None,
        device_id: None,
        country: Some(&country),
        city: None,
        ip_address: None,
        beneficiary_id: None,
    };
    let entry = TransactionEntry::new(&number.to_string(), numbers, words, &mut user.texts);
    let place = user.arrive(entry);
    let recent = user.recent_transactions(settings);
    let (windows, abroad) = if numbers.late {
        (None, 0)
    } else {
        let home = user.texts.find("0");
        (Some(recent.windows_ending_at(paid.time_ms)), recent.foreign_countries(paid.time_ms, home))
    };
    (windows, abroad, user.commit_transaction(place, settings))
}

/// By definition, of all that is remembered.
fn window_of(known: &BTreeMap<usize, Paid>, time_ms: i64, width_ms: i64) -> Window {
    let within: Vec<&Paid> =
        known.values().filter(|paid| time_ms - width_ms < paid.time_ms && paid.time_ms <= time_ms).collect();
    let minors = || within.iter().map(|paid| u128::from(paid.minor));
    Window {
        count: within.len() as u64,
        total: minors().sum(),
        squares: minors().map(|minor| minor * minor).sum(),
        peak: within.iter().map(|paid| paid.minor).max().unwrap_or(0),
        merchants: within.iter().filter_map(|paid| paid.merchant).collect::<HashSet<_>>().len() as u64,
        devices: 0,
        countries: within.iter().map(|paid| paid.country).collect::<HashSet<_>>().len() as u64,
    }
}

fn payments(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Paid>> {
    // Steps forward, and payments of up to 30 h ago.
    let payment =
        (0i64..3 * HOUR_MS, prop_oneof![3 => Just(0i64), 1 => 0i64..30 * HOUR_MS], 1u64..10_000, 0usize..60, 0usize..5);
    prop::collection::vec(payment, count).prop_map(|steps| {
        let mut now_ms = 1_767_225_600_000;
        let paid = |(step_ms, behind_ms, minor, merchant, country): (i64, i64, u64, usize, usize)| {
            now_ms += if step_ms < 2 * HOUR_MS { step_ms / 40 } else { step_ms };
            Paid { time_ms: now_ms - behind_ms, minor, merchant: (merchant > 0).then_some(merchant), country }
        };
        steps.into_iter().map(paid).collect()
    })
}

fn assert_windows(found: Option<Windows>, abroad: u64, known: &BTreeMap<usize, Paid>, time_ms: i64) {
    let Some(windows) = found else { return };
    assert_eq!(windows.five_minutes, window_of(known, time_ms, 5 * MINUTE_MS));
    assert_eq!(windows.hour, window_of(known, time_ms, HOUR_MS));
    assert_eq!(windows.day, window_of(known, time_ms, DAY_MS));
    let day = known.values().filter(|paid| time_ms - DAY_MS < paid.time_ms && paid.time_ms <= time_ms);
    let countries: HashSet<usize> = day.map(|paid| paid.country).filter(|country| *country != 0).collect();
    assert_eq!(abroad, countries.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Few windows hold more than 512 transactions, from which on late ones are counted by an index.
    #[test]
    fn windows_of_many_are_those_of_the_definition(payments in payments(900..1300)) {
        let settings = UserStateSettings::default();
        let mut user = User::default();
        let mut known = BTreeMap::new();
        for (number, paid) in payments.iter().enumerate() {
            let paid = Paid { time_ms: payments[0].time_ms + (paid.time_ms - payments[0].time_ms) / 6, ..paid.clone() };
            let (windows, abroad, _) = pay(&mut user, number, &paid, &settings);
            if windows.is_some() {
                known.insert(number, paid.clone());
            }
            assert_windows(windows, abroad, &known, paid.time_ms);
        }
    }

    #[test]
    fn the_newest_events_of_a_limited_user_are_remembered(payments in payments(100..400), reloaded_every in 1usize..40) {
        let settings = UserStateSettings { max_events: 80, snapshot_every: 7, compact_slack: 3, ..UserStateSettings::default() };
        let (mut user, mut stored) = (User::default(), Stored::default());
        let mut known = BTreeMap::new();
        for (number, paid) in payments.iter().enumerate() {
            if number % reloaded_every == 0 {
                user = stored.load(&settings);
            }
            // An event's number in the log is one more than its place here.
            let until = number as i64 / settings.limit_every() * settings.limit_every() - settings.max_events;
            known.retain(|earlier: &usize, _| *earlier as i64 + 1 > until);
            let horizon_ms = settings.windows.horizon_ms();
            for earlier in 0..number {
                let is_known = earlier as i64 + 1 > until;
                let seen = user.has_seen(IdKind::Transaction, &earlier.to_string(), paid.time_ms, horizon_ms);
                prop_assert!(is_known || !seen, "{earlier} before {number} is still known");
            }
            let (windows, abroad, writes) = pay(&mut user, number, paid, &settings);
            if windows.is_some() {
                known.insert(number, paid.clone());
            }
            assert_windows(windows, abroad, &known, paid.time_ms);
            stored.write(writes);
            prop_assert!(user.arrivals.remembered_len() < 90 + 1);
            prop_assert!(stored.log.len() <= 2 * 90 + 3 + 1);
        }
    }
}

#[test]
fn a_user_is_limited_until_the_horizon_has_passed_what_was_forgotten() {
    let settings =
        UserStateSettings { max_events: 40, snapshot_every: 3, compact_slack: 1, ..UserStateSettings::default() };
    let (mut user, mut stored) = (User::default(), Stored::default());
    let at = |time_ms: i64| Paid { time_ms, minor: 1, merchant: None, country: 1 };
    let mut limited = Vec::new();
    for number in 0..50 {
        let (_, _, writes) = pay(&mut user, number, &at(1_000), &settings);
        stored.write(writes);
        limited.push(user.is_limited(&settings));
        assert_eq!(stored.load(&settings).is_limited(&settings), user.is_limited(&settings), "{number}");
    }
    assert_eq!(limited.iter().position(|limited| *limited), Some(44));
    assert!(user.arrivals.remembered_len() <= 45);
    for (number, time_ms) in [(50, 1_000 + 2 * DAY_MS - 1), (51, 1_000 + 2 * DAY_MS)] {
        let (_, _, writes) = pay(&mut user, number, &at(time_ms), &settings);
        stored.write(writes);
        assert_eq!(user.is_limited(&settings), number == 50);
        assert_eq!(stored.load(&settings).is_limited(&settings), number == 50);
    }
}
