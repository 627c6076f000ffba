//! What the stores said, kept for a while: profiles, feeds and entities' histories by key.
//!
//! A value is fresh for a while, then stale: it is used if the store is down, and never in the way. Two generations: what
//! is not used while the young one fills is dropped.
//!
//! ```text
//! fetched ........ fresh - wanted again ........ fresh .................... stale
//!          used          used, read again in the      read again; used if the    never
//!                        background                   store is down
//! ```

use std::sync::Arc;

use hashbrown::HashMap;

use crate::context::EnrichmentStatus;
use crate::entities::history::EntityHistory;
use crate::entities::kinds::EntityKind;
use crate::profiles::{DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile};

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    User,
    Merchant,
    Device,
    Ip,
    Domain,
    History(EntityKind),
}

const PROFILE_KINDS: usize = 5;
const KINDS: usize = PROFILE_KINDS + EntityKind::ALL.len();

impl KeyKind {
    /// The kind of a key and the rest of it; `None` for a key of no kind.
    pub fn of(key: &str) -> Option<(Self, &str)> {
        let (prefix, id) = key.split_once(':')?;
        let kind = match prefix {
            "user" => Self::User,
            "merchant" => Self::Merchant,
            "device" => Self::Device,
            "ip" => Self::Ip,
            "domain" => Self::Domain,
            "history" => {
                let (kind, id) = id.split_once(':')?;
                return Some((Self::History(EntityKind::of(kind)?), id));
            }
            _ => return None,
        };
        Some((kind, id))
    }

    /// The key of an id.
    pub fn key(self, id: &str) -> String {
        match self {
            Self::User => format!("user:{id}"),
            Self::Merchant => format!("merchant:{id}"),
            Self::Device => format!("device:{id}"),
            Self::Ip => format!("ip:{id}"),
            Self::Domain => format!("domain:{id}"),
            Self::History(kind) => format!("history:{}:{id}", kind.name()),
        }
    }

    fn place(self) -> usize {
        match self {
            Self::User => 0,
            Self::Merchant => 1,
            Self::Device => 2,
            Self::Ip => 3,
            Self::Domain => 4,
            Self::History(kind) => PROFILE_KINDS + kind as usize,
        }
    }
}

/// One record. Profiles are shared with the decisions that name them.
#[derive(Clone, Debug)]
pub enum Record {
    /// The store has none.
    Absent,
    /// The store has something that is no record of its kind.
    Unreadable,
    User(Arc<UserProfile>),
    Merchant(Arc<MerchantProfile>),
    Device(Arc<DeviceProfile>),
    Ip(Arc<IpFeed>),
    Domain(Arc<DomainFeed>),
    History(Box<EntityHistory>),
}

/// How long a value counts, in milliseconds, and how many are kept.
#[derive(Clone, Debug)]
pub struct RecordSettings {
    pub fresh_ms: i64,
    /// So long before it is no longer fresh, a value that is used is wanted again; 0: never.
    pub refresh_ahead_ms: i64,
    pub stale_ms: i64,
    pub entries: usize,
}

#[derive(Clone, Debug)]
struct Slot {
    record: Record,
    fetched_ms: i64,
    is_wanted: bool,
}

/// How a look-up went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Fresh, but to be read again soon.
    Wanted,
    /// Not here, or too old.
    Missing,
}

type Generation = [HashMap<Box<str>, Slot>; KINDS];

/// The records of all keys that were asked for lately.
#[derive(Debug)]
pub struct Records {
    settings: RecordSettings,
    young: Generation,
    old: Generation,
    young_len: usize,
    /// Is a key that is not here known to have no record?
    is_complete: bool,
    /// How often a key was asked for whose record was here and fresh.
    pub hits: u64,
}

impl Records {
    /// Nothing is known yet.
    pub fn new(settings: RecordSettings) -> Self {
        let (young, old) = Default::default();
        Self { settings, young, old, young_len: 0, is_complete: false, hits: 0 }
    }

    /// From here on what is not here has no record, and nothing is dropped: all of the store was put.
    pub fn hold_all(&mut self) {
        self.is_complete = true;
    }

    /// Is a key's record here, and how fresh? It stays in the young generation. `Wanted` is said once.
    pub fn touch(&mut self, kind: KeyKind, id: &str, now_ms: i64) -> Freshness {
        let place = kind.place();
        let settings = &self.settings;
        let slot = match self.young[place].get_mut(id) {
            Some(slot) => slot,
            None => {
                let Some((id, slot)) = self.old[place].remove_entry(id) else {
                    return if self.is_complete { Freshness::Fresh } else { Freshness::Missing };
                };
                self.young_len += 1;
                self.young[place].entry(id).insert(slot).into_mut()
            }
        };
        let age_ms = now_ms.saturating_sub(slot.fetched_ms);
        if age_ms >= settings.fresh_ms {
            return Freshness::Missing;
        }
        self.hits += 1;
        let is_due = settings.refresh_ahead_ms > 0 && age_ms >= settings.fresh_ms - settings.refresh_ahead_ms;
        if is_due && !slot.is_wanted && !matches!(slot.record, Record::Unreadable) {
            slot.is_wanted = true;
            return Freshness::Wanted;
        }
        Freshness::Fresh
    }

    /// Keep what the store said.
    pub fn put(&mut self, kind: KeyKind, id: &str, record: Record, now_ms: i64) {
        let place = kind.place();
        self.old[place].remove(id);
        let slot = Slot { record, fetched_ms: now_ms, is_wanted: false };
        if self.young[place].insert(id.into(), slot).is_none() {
            self.young_len += 1;
        }
    }

    /// Forget a key, whatever is known of it: it is asked for again.
    pub fn forget(&mut self, kind: KeyKind, id: &str) {
        if self.is_complete {
            self.put(kind, id, Record::Absent, i64::MIN);
            return;
        }
        self.old[kind.place()].remove(id);
        if self.young[kind.place()].remove(id).is_some() {
            self.young_len -= 1;
        }
    }

    /// Make room between batches: what was not used for long is dropped.
    pub fn trim(&mut self) {
        if !self.is_complete && self.young_len > (self.settings.entries / 2).max(1) {
            self.old = std::mem::take(&mut self.young);
            self.young_len = 0;
        }
    }

    /// The record of a key. `status` is made worse by one that is stale, missing or unreadable; `None` where there is none
    /// to use.
    pub fn get(&mut self, kind: KeyKind, id: &str, now_ms: i64, status: &mut EnrichmentStatus) -> Option<&mut Record> {
        let place = kind.place();
        let slot = match self.young[place].get_mut(id) {
            Some(slot) => slot,
            None => {
                let Some(slot) = self.old[place].get_mut(id) else {
                    if !self.is_complete {
                        *status = EnrichmentStatus::Degraded;
                    }
                    return None;
                };
                slot
            }
        };
        let age_ms = now_ms.saturating_sub(slot.fetched_ms);
        if age_ms >= self.settings.fresh_ms {
            if age_ms >= self.settings.stale_ms {
                *status = EnrichmentStatus::Degraded;
                return None;
            }
            if *status == EnrichmentStatus::Ok {
                *status = EnrichmentStatus::Stale;
            }
        }
        match slot.record {
            Record::Unreadable => {
                *status = EnrichmentStatus::Degraded;
                None
            }
            Record::Absent => None,
            _ => Some(&mut slot.record),
        }
    }

    /// What is here of a key, however old it is.
    pub fn peek(&self, kind: KeyKind, id: &str) -> Option<&Record> {
        let place = kind.place();
        self.young[place].get(id).or_else(|| self.old[place].get(id)).map(|slot| &slot.record)
    }

    /// How many records are kept.
    pub fn len(&self) -> usize {
        self.young_len + self.old.iter().map(HashMap::len).sum::<usize>()
    }

    /// Is none kept?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: KeyKind = KeyKind::Merchant;

    fn records() -> Records {
        Records::new(RecordSettings { fresh_ms: i64::MAX, refresh_ahead_ms: 0, stale_ms: i64::MAX, entries: 2 })
    }

    #[test]
    fn of_a_complete_store_no_key_is_missing_but_a_forgotten_one() {
        let mut records = records();
        assert_eq!(records.touch(KIND, "m1", 0), Freshness::Missing);
        records.put(KIND, "m1", Record::Absent, 0);
        records.hold_all();
        let mut status = EnrichmentStatus::Ok;
        for id in ["m1", "m2"] {
            assert_eq!(records.touch(KIND, id, 0), Freshness::Fresh);
            assert!(records.get(KIND, id, 0, &mut status).is_none());
        }
        assert_eq!(status, EnrichmentStatus::Ok);
        records.forget(KIND, "m1");
        assert_eq!(records.touch(KIND, "m1", 0), Freshness::Missing);
        records.put(KIND, "m1", Record::Absent, 0);
        assert_eq!(records.touch(KIND, "m1", 0), Freshness::Fresh);
    }

    #[test]
    fn a_complete_store_drops_nothing() {
        let mut records = records();
        for id in ["m1", "m2", "m3", "m4"] {
            records.put(KIND, id, Record::Absent, 0);
        }
        records.hold_all();
        records.trim();
        records.trim();
        assert_eq!(records.len(), 4);
    }
}
