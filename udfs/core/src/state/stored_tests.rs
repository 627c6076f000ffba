//! Stored states: those of every earlier layout are read, and no bytes make reading panic.

use std::path::PathBuf;

use proptest::prelude::*;

use crate::msgpack::reader::Reader;
use crate::msgpack::writer::Writer;
use crate::state::account_history::AccountHistory;
use crate::state::entries::LogEntry;
use crate::state::flag_days::FlagDays;
use crate::state::habits::Habits;
use crate::state::hourly::HourlyPayments;
use crate::state::settings::{AccountSettings, UserStateSettings};
use crate::state::snapshot::{self, Parts};
use crate::state::sums::Sums;
use crate::state::texts::Texts;
use crate::state::user::User;

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    std::fs::read(folder.join(format!("{name}.bin"))).expect("golden bytes stand in tests/golden")
}

fn load(snapshot: Option<&[u8]>, log: &[&[u8]]) -> Option<User> {
    let settings = UserStateSettings::default();
    let account_settings = AccountSettings::new(settings.windows.horizon_ms());
    User::load(snapshot, log, &settings, &account_settings).ok()
}

/// The snapshot and the log of golden `user_1`.
fn whole_user() -> (Vec<u8>, Vec<Vec<u8>>) {
    let bytes = golden("user_1");
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.array(), Ok(2));
    let snapshot = reader.bytes().unwrap().to_vec();
    let count = reader.array().unwrap();
    let log = (0..count).map(|_| reader.bytes().unwrap().to_vec()).collect();
    (snapshot, log)
}

/// Of versions that kept no answers.
const UNANSWERED: [&str; 2] = ["entry_1_transaction", "entry_1_transaction_bare"];
const ENTRIES: [&str; 10] = [
    "entry_1_transaction_answered",
    "entry_1_transaction_unanswered",
    "entry_2_login",
    "entry_2_login_bare",
    "entry_3_account",
    "entry_3_account_verified",
    "entry_4_label",
    "entry_5_zone",
    "entry_5_zone_none",
    "entry_6_flags",
];
const SNAPSHOTS: [&str; 9] = [
    "snapshot_1_empty",
    "snapshot_1_full",
    "snapshot_2_full",
    "snapshot_3_empty",
    "snapshot_3_full",
    "snapshot_4_empty",
    "snapshot_4_full",
    "snapshot_5_empty",
    "snapshot_5_full",
];

#[test]
fn entries_are_written_as_they_were_read() {
    for name in ENTRIES {
        let bytes = golden(name);
        let mut texts = Texts::default();
        let entry = LogEntry::decode(&bytes, &mut texts).expect(name);
        assert_eq!(entry.encode(&texts), bytes, "{name}");
    }
}

#[test]
fn a_transaction_without_an_answer_is_written_with_none() {
    for name in UNANSWERED {
        let bytes = golden(name);
        let mut texts = Texts::default();
        let LogEntry::Transaction(entry) = LogEntry::decode(&bytes, &mut texts).expect(name) else { panic!() };
        assert_eq!(entry.answer.known(), None);
        let mut out = Writer::default();
        entry.write_unanswered(&texts, &mut out);
        assert_eq!(out.bytes, bytes, "{name}");
        let answered = LogEntry::Transaction(entry).encode(&texts);
        let again = LogEntry::decode(&answered, &mut texts).expect(name);
        assert_eq!(again.encode(&texts), answered);
    }
}

#[test]
fn snapshots_of_every_layout_are_read() {
    for name in SNAPSHOTS {
        let user = load(Some(&golden(name)), &[]).expect(name);
        if name.ends_with("full") {
            assert_eq!((user.sequence, user.habits.lifetime.squares), (70_001, 3 * 10u128.pow(32)), "{name}");
            assert_eq!(user.habits.days.len(), 2);
            assert_eq!(user.account.logins().len(), 2);
        }
    }
}

#[test]
fn the_newest_layout_is_written_as_it_was_read() {
    for name in ["snapshot_5_empty", "snapshot_5_full"] {
        let bytes = golden(name);
        let mut texts = Texts::default();
        let stored = snapshot::decode(&bytes, &mut texts).expect(name);
        let written = snapshot::encode(&Parts {
            sequence: stored.sequence,
            newest_ms: stored.newest_ms,
            habits: &stored.habits,
            hourly: &stored.hourly,
            account: &stored.account,
            before: stored.before.as_ref(),
            logins: stored.account.logins(),
            timezone: stored.timezone.as_deref(),
            flag_days: &stored.flag_days,
            limited_ms: stored.limited_ms,
            texts: &texts,
        });
        assert_eq!(written, bytes, "{name}");
    }
}

#[test]
fn hours_of_an_earlier_layout_begin_behind_its_newest_event() {
    for (name, is_complete) in [("snapshot_4_full", false), ("snapshot_4_empty", true), ("snapshot_5_full", false)] {
        let user = load(Some(&golden(name)), &[]).expect(name);
        let after = i32::try_from(user.newest_ms.div_euclid(3_600_000) + 1).expect(name);
        let expected = if is_complete { 0 } else { after };
        assert_eq!(user.hourly.complete_from(), if name == "snapshot_5_full" { 490_000 } else { expected }, "{name}");
    }
}

#[test]
fn sums_of_any_size_are_read_as_they_were_written() {
    let payments = |count: u64, minor: u128| Sums {
        count,
        total: u128::from(count) * minor,
        squares: u128::from(count) * minor * minor,
    };
    let sizes = [
        Sums::default(),
        Sums { count: 1, total: 1, squares: (1 << 62) - 1 },
        Sums { count: 1, total: 1, squares: 1 << 62 },
        Sums { count: 1 << 40, total: u64::MAX.into(), squares: u64::MAX.into() },
        payments(10_000, 10u128.pow(14)),
        payments(1_000_000, 10u128.pow(14)),
        payments(1_000_000, 10u128.pow(16)),
        Sums { count: i64::MAX as u64, total: u128::MAX, squares: u128::MAX },
    ];
    for sums in sizes {
        let mut habits = Habits::default();
        (habits.lifetime, habits.days) = (sums, vec![(20_454, sums)]);
        habits.peak = u64::try_from(sums.total / u128::from(sums.count.max(1))).unwrap_or(i64::MAX as u64);
        let (account, flag_days, texts) = (AccountHistory::default(), FlagDays::default(), Texts::default());
        let hourly = HourlyPayments::default();
        let written = snapshot::encode(&Parts {
            sequence: 1,
            newest_ms: 0,
            habits: &habits,
            hourly: &hourly,
            account: &account,
            before: None,
            logins: &[],
            timezone: None,
            flag_days: &flag_days,
            limited_ms: -1,
            texts: &texts,
        });
        let read = snapshot::decode(&written, &mut Texts::default()).expect("it was just written").habits;
        assert_eq!((read.lifetime, read.peak, read.days), (sums, habits.peak, vec![(20_454, sums)]));
    }
}

#[test]
fn a_whole_user_is_read() {
    let (snapshot, log) = whole_user();
    let log: Vec<&[u8]> = log.iter().map(Vec::as_slice).collect();
    let user = load(Some(&snapshot), &log).expect("the user was written by an earlier version");
    assert!(user.habits.lifetime.count > 0 && user.arrivals.remembered_len() > 0);
}

#[test]
fn an_unknown_layout_is_refused() {
    for bytes in [&[0x92, 0x07, 0x01][..], &[0x91, 0x05], &[0xc0], &[]] {
        assert!(load(Some(bytes), &[]).is_none());
        assert!(load(None, &[bytes]).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_damage_to_a_snapshot_makes_reading_panic(which in 0..SNAPSHOTS.len(), place: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut bytes = golden(SNAPSHOTS[which]);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        load(Some(&bytes), &[]);
        bytes.truncate(cut.index(bytes.len()));
        load(Some(&bytes), &[]);
    }

    #[test]
    fn no_damage_to_entries_makes_reading_panic(which in prop::collection::vec((0..ENTRIES.len(), any::<prop::sample::Index>(), any::<u8>()), 0..12)) {
        let log: Vec<Vec<u8>> = which.iter().map(|(which, place, byte)| {
            let mut bytes = golden(ENTRIES[*which]);
            let place = place.index(bytes.len());
            bytes[place] = *byte;
            bytes
        }).collect();
        // One by one they may be read where together one of them is not.
        let whole: Vec<&[u8]> = log.iter().map(Vec::as_slice).filter(|bytes| load(None, &[bytes]).is_some()).collect();
        if let Some(mut user) = load(Some(&golden("snapshot_5_full")), &whole) {
            let settings = UserStateSettings::default();
            for bytes in &whole {
                let entry = LogEntry::decode(bytes, &mut user.texts).unwrap();
                user.commit(entry, &settings, &AccountSettings::new(settings.windows.horizon_ms()));
            }
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        load(Some(&bytes), &[&bytes]);
    }
}
