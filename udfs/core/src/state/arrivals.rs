//! A user's events of the last 48 hours in the order of their arrival, and their ids: what duplicates are known by.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::prefetch;
use crate::state::answer::Answer;
use crate::state::entries::{AccountEntry, LoginEntry, TransactionEntry};
use crate::state::hashing::hash_of;
use crate::state::memory::ALLOCATION_BYTES;
use crate::state::texts::Texts;

/// What kind of event an id belongs to: the same id may stand for one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    Transaction,
    Login,
    Account,
}

/// An event that has arrived.
#[derive(Clone, Debug)]
pub enum Arrival {
    Transaction(TransactionEntry),
    Login(Arc<LoginEntry>),
    Account(Arc<AccountEntry>),
}

impl Arrival {
    fn id(&self) -> (IdKind, &str) {
        match self {
            Self::Transaction(entry) => (IdKind::Transaction, &entry.transaction_id),
            Self::Login(entry) => (IdKind::Login, &entry.event_id),
            Self::Account(entry) => (IdKind::Account, &entry.event_id),
        }
    }

    fn sequence(&self) -> i64 {
        match self {
            Self::Transaction(entry) => entry.sequence,
            Self::Login(entry) => entry.sequence,
            Self::Account(entry) => entry.sequence,
        }
    }

    fn remembered_ms(&self) -> i64 {
        match self {
            Self::Transaction(entry) => entry.remembered_ms,
            Self::Login(entry) => entry.remembered_ms,
            Self::Account(entry) => entry.remembered_ms,
        }
    }
}

/// An arrival's number within one user: it stays the same while the arrival is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(u32);

#[derive(Clone, Debug)]
struct Slot {
    arrival: Arrival,
    /// Is its id known?
    is_remembered: bool,
    /// Can a window see it?
    is_recent: bool,
}

/// Arrivals, the oldest first; one goes when neither its id nor a window needs it.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    slots: VecDeque<Slot>,
    first: u32,
    ids: HashTable<u32>,
    remembered: usize,
    id_bytes: usize,
}

impl Arrivals {
    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        let (older, newer) = self.slots.as_slices();
        prefetch::element(older, 0);
        prefetch::end_of(if newer.is_empty() { older } else { newer });
    }

    /// Add an event that no window sees and whose id is not known yet.
    pub fn push(&mut self, arrival: Arrival) -> Number {
        self.id_bytes += arrival.id().1.len() + ALLOCATION_BYTES;
        if self.slots.len() == self.slots.capacity() {
            // Less room to spare than doubling leaves: most users are quiet.
            self.slots.reserve_exact(self.slots.len() / 4 + 2);
        }
        self.slots.push_back(Slot { arrival, is_remembered: false, is_recent: false });
        Number(self.first.wrapping_add((self.slots.len() - 1) as u32))
    }

    /// The event of an id that is known.
    pub fn find(&self, kind: IdKind, id: &str) -> Option<&Arrival> {
        let number = self.ids.find(hash_of(id), |number| is_id(&self.slots, self.first, *number, kind, id))?;
        self.slots.get(number.wrapping_sub(self.first) as usize).map(|slot| &slot.arrival)
    }

    /// What was answered to a transaction whose id is known.
    pub fn set_answer(&mut self, transaction_id: &str, answer: Answer) {
        let kind = IdKind::Transaction;
        let (slots, first) = (&self.slots, self.first);
        let known = self.ids.find(hash_of(transaction_id), |number| is_id(slots, first, *number, kind, transaction_id));
        let Some(place) = known.map(|number| number.wrapping_sub(first) as usize) else { return };
        if let Some(Slot { arrival: Arrival::Transaction(entry), .. }) = self.slots.get_mut(place) {
            entry.answer = answer;
        }
    }

    /// The transaction of a number that a window holds.
    pub fn transaction(&self, number: Number) -> Option<&TransactionEntry> {
        match &self.slots.get(self.place(number))?.arrival {
            Arrival::Transaction(entry) => Some(entry),
            _ => None,
        }
    }

    /// From here on a window sees this one, or none does any more.
    pub fn set_recent(&mut self, number: Number, is_recent: bool) {
        let place = self.place(number);
        if let Some(slot) = self.slots.get_mut(place) {
            slot.is_recent = is_recent;
        }
    }

    /// From here on its id is known; the same id of an earlier arrival is not.
    pub fn remember(&mut self, number: Number) {
        let place = self.place(number);
        let Some(slot) = self.slots.get(place) else { return };
        let (kind, id) = slot.arrival.id();
        let hash = hash_of(id);
        let (slots, first) = (&self.slots, self.first);
        if let Ok(entry) = self.ids.find_entry(hash, |number| is_id(slots, first, *number, kind, id)) {
            let earlier = entry.remove().0;
            self.slots[earlier.wrapping_sub(first) as usize].is_remembered = false;
            self.remembered -= 1;
        }
        self.slots[place].is_remembered = true;
        self.remembered += 1;
        let slots = &self.slots;
        self.ids.insert_unique(hash, number.0, |number| hash_of_number(slots, first, *number));
    }

    /// Is this id among those accepted with a newest event time after `start_ms`?
    pub fn knows(&self, kind: IdKind, id: &str, start_ms: i64) -> bool {
        let known = self.ids.find(hash_of(id), |number| is_id(&self.slots, self.first, *number, kind, id));
        known.is_some_and(|number| {
            self.slots[number.wrapping_sub(self.first) as usize].arrival.remembered_ms() > start_ms
        })
    }

    /// How many ids are known.
    pub fn remembered_len(&self) -> usize {
        self.remembered
    }

    /// The events whose ids are known, in the order of arrival.
    pub fn remembered(&self) -> impl Iterator<Item = &Arrival> {
        self.slots.iter().filter(|slot| slot.is_remembered).map(|slot| &slot.arrival)
    }

    /// Forget the ids of events up to this number in the user's log, and that windows see them. Gives the newest time that
    /// such an id was to be known from, if any was.
    pub fn forget_until(&mut self, sequence: i64) -> Option<i64> {
        let mut newest_ms = None;
        for place in 0..self.slots.len() {
            let slot = &mut self.slots[place];
            if slot.arrival.sequence() > sequence {
                break;
            }
            slot.is_recent = false;
            if slot.is_remembered {
                newest_ms = newest_ms.max(Some(slot.arrival.remembered_ms()));
                self.forget_id(place);
            }
        }
        newest_ms
    }

    /// The transactions that windows see, in the order of arrival.
    pub fn recent(&self) -> Vec<Number> {
        let places = (0..self.slots.len()).filter(|place| self.slots[*place].is_recent);
        places.map(|place| Number(self.first.wrapping_add(place as u32))).collect()
    }

    /// Forget ids up to the first that was accepted with a newest event time after `start_ms`: it never falls.
    pub fn forget_ids(&mut self, start_ms: i64) {
        for place in 0..self.slots.len() {
            let slot = &self.slots[place];
            if !slot.is_remembered {
                continue;
            }
            if slot.arrival.remembered_ms() > start_ms {
                break;
            }
            self.forget_id(place);
        }
    }

    fn forget_id(&mut self, place: usize) {
        let number = self.first.wrapping_add(place as u32);
        let hash = hash_of(self.slots[place].arrival.id().1);
        if let Ok(entry) = self.ids.find_entry(hash, |known| *known == number) {
            entry.remove();
        }
        self.slots[place].is_remembered = false;
        self.remembered -= 1;
    }

    /// Drop from the front what nobody needs.
    pub fn drop_unneeded(&mut self, texts: &mut Texts) {
        while let Some(slot) = self.slots.front() {
            if slot.is_remembered || slot.is_recent {
                break;
            }
            self.id_bytes -= slot.arrival.id().1.len() + ALLOCATION_BYTES;
            if let Some(Slot { arrival: Arrival::Transaction(entry), .. }) = self.slots.pop_front() {
                entry.release(texts);
            }
            self.first = self.first.wrapping_add(1);
        }
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.ids.capacity() * (size_of::<u32>() + 1) + self.id_bytes
    }

    fn place(&self, number: Number) -> usize {
        number.0.wrapping_sub(self.first) as usize
    }
}

fn is_id(slots: &VecDeque<Slot>, first: u32, number: u32, kind: IdKind, id: &str) -> bool {
    slots.get(number.wrapping_sub(first) as usize).is_some_and(|slot| slot.arrival.id() == (kind, id))
}

fn hash_of_number(slots: &VecDeque<Slot>, first: u32, number: u32) -> u64 {
    slots.get(number.wrapping_sub(first) as usize).map_or(0, |slot| hash_of(slot.arrival.id().1))
}
