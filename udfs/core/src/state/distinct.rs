//! How many different values were seen since a moment.

use hashbrown::HashMap;

use crate::prefetch;
use crate::state::memory::vec_bytes;
use crate::state::sorted_times::first_after;
use crate::state::texts::Symbol;

/// Up to so many values are searched one by one.
const FEW: usize = 32;

/// Each value's last time, in the order of these times.
#[derive(Clone, Debug, Default)]
pub struct Distinct {
    times: Vec<i64>,
    values: Vec<Symbol>,
    last_seen: Option<Box<HashMap<Symbol, i64, foldhash::fast::FixedState>>>,
}

impl Distinct {
    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        prefetch::end_of(&self.times);
        prefetch::end_of(&self.values);
    }

    /// A value was seen at a moment; an absent one is none.
    pub fn add(&mut self, value: Option<Symbol>, time_ms: i64) {
        let Some(value) = value else { return };
        if let Some(at) = self.place_of(value) {
            if time_ms <= self.times[at] {
                return;
            }
            if at + 1 == self.times.len() {
                // The usual case: the same device, country … as last time.
                self.times[at] = time_ms;
                self.note(value, time_ms);
                return;
            }
            self.times.remove(at);
            self.values.remove(at);
        }
        let at = first_after(&self.times, time_ms);
        self.times.insert(at, time_ms);
        self.values.insert(at, value);
        self.note(value, time_ms);
    }

    /// Values seen after `start_ms`.
    pub fn since(&self, start_ms: i64) -> usize {
        self.times.len() - first_after(&self.times, start_ms)
    }

    /// Was this value seen after `start_ms`?
    pub fn saw_since(&self, value: Symbol, start_ms: i64) -> bool {
        self.place_of(value).is_some_and(|at| self.times[at] > start_ms)
    }

    /// Drop what was not seen after `start_ms`.
    pub fn forget(&mut self, start_ms: i64) {
        let cut = first_after(&self.times, start_ms);
        if cut > 0 {
            self.times.drain(..cut);
            self.values.drain(..cut);
            if self.values.len() <= FEW {
                self.last_seen = None;
            } else if let Some(last_seen) = &mut self.last_seen {
                last_seen.retain(|_, seen_ms| *seen_ms > start_ms);
            }
        }
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        let index = self.last_seen.as_ref().map_or(0, |known| known.capacity() * (size_of::<(Symbol, i64)>() + 1));
        vec_bytes(&self.times) + vec_bytes(&self.values) + index
    }

    fn note(&mut self, value: Symbol, time_ms: i64) {
        if let Some(last_seen) = &mut self.last_seen {
            last_seen.insert(value, time_ms);
        } else if self.values.len() > FEW {
            self.last_seen = Some(Box::new(self.values.iter().copied().zip(self.times.iter().copied()).collect()));
        }
    }

    fn place_of(&self, value: Symbol) -> Option<usize> {
        let Some(last_seen) = &self.last_seen else {
            return self.values.iter().rposition(|known| *known == value);
        };
        let seen_ms = *last_seen.get(&value)?;
        let end = first_after(&self.times, seen_ms);
        self.values[..end].iter().rposition(|known| *known == value)
    }
}
