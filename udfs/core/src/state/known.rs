//! Which values of one kind a user has used, and when each was first seen; the least recently used goes first.

use crate::prefetch;
use crate::state::memory::vec_bytes;
use crate::state::texts::{Symbol, Texts};

/// Values with the moment they were first seen (milliseconds), the most recently used last.
#[derive(Clone, Debug, Default)]
pub struct Known {
    values: Vec<(Symbol, i64)>,
}

impl Known {
    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        prefetch::end_of(&self.values);
    }

    /// When a value was first seen; `None` where it is not known, or absent.
    pub fn first_seen_ms(&self, value: Option<Symbol>) -> Option<i64> {
        let value = value?;
        self.values.iter().rev().find(|known| known.0 == value).map(|known| known.1)
    }

    /// Is this value known?
    pub fn contains(&self, value: Option<Symbol>) -> bool {
        self.first_seen_ms(value).is_some()
    }

    /// How many values are known.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Is none known?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// In the order of their last use.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, i64)> {
        self.values.iter().copied()
    }

    /// Add a value, or make it the most recently used. Over the limit the least recently used is forgotten, and given
    /// back for the caller to release.
    pub fn remember(&mut self, value: Symbol, time_ms: i64, limit: usize, texts: &mut Texts) -> Option<Symbol> {
        if let Some(at) = self.values.iter().rposition(|known| known.0 == value) {
            let (_, first_ms) = self.values.remove(at);
            self.values.push((value, first_ms.min(time_ms)));
            return None;
        }
        texts.hold_again(Some(value));
        let forgotten = if self.values.len() >= limit.max(1) { Some(self.values.remove(0).0) } else { None };
        self.values.push((value, time_ms));
        forgotten
    }

    /// Take a stored value: the next in the order of last use.
    pub fn restore(&mut self, text: &str, first_ms: i64, texts: &mut Texts) {
        let value = texts.hold(text);
        match self.values.iter_mut().find(|known| known.0 == value) {
            Some(known) => {
                known.1 = first_ms;
                texts.release(Some(value));
            }
            None => self.values.push((value, first_ms)),
        }
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        vec_bytes(&self.values)
    }
}
