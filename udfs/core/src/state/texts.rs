//! One user's texts, each kept once: transactions, habits and windows hold numbers in their place.
//!
//! A user's transactions share most of their merchants, devices, cities …, so a remembered transaction costs a few bytes
//! a text, and comparing two texts of one user is comparing two numbers. A text is dropped with its last holder.

use std::num::NonZeroU32;

use hashbrown::HashTable;

use crate::prefetch;
use crate::state::hashing::hash_of;

/// One text of one user. Symbols of different users have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(NonZeroU32);

#[derive(Clone, Debug)]
struct Slot {
    text: Box<str>,
    holders: u32,
}

/// The texts of one user, counted by who holds them.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    slots: Vec<Slot>,
    free: Vec<u32>,
    table: HashTable<u32>,
    text_bytes: usize,
}

impl Texts {
    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        prefetch::end_of(&self.slots);
    }

    /// The symbol of a text that somebody holds.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        let hash = hash_of(text);
        self.table.find(hash, |place| &*self.slots[*place as usize].text == text).map(|place| symbol(*place))
    }

    /// The symbol of a text, which the caller holds from here on.
    pub fn hold(&mut self, text: &str) -> Symbol {
        let hash = hash_of(text);
        let slots = &mut self.slots;
        if let Some(place) = self.table.find(hash, |place| &*slots[*place as usize].text == text) {
            let slot = &mut slots[*place as usize];
            slot.holders = slot.holders.saturating_add(1);
            return symbol(*place);
        }
        let slot = Slot { text: text.into(), holders: 1 };
        self.text_bytes += text.len();
        let place = match self.free.pop() {
            Some(place) => {
                slots[place as usize] = slot;
                place
            }
            None => {
                slots.push(slot);
                (slots.len() - 1) as u32
            }
        };
        let slots = &self.slots;
        self.table.insert_unique(hash, place, |place| hash_of(&slots[*place as usize].text));
        symbol(place)
    }

    /// As `hold`, for a text that may be absent.
    pub fn hold_some(&mut self, text: Option<&str>) -> Option<Symbol> {
        text.map(|text| self.hold(text))
    }

    /// One more holder of a text that somebody holds.
    pub fn hold_again(&mut self, symbol: Option<Symbol>) {
        if let Some(slot) = symbol.and_then(|symbol| self.slots.get_mut(place_of(symbol))) {
            slot.holders = slot.holders.saturating_add(1);
        }
    }

    /// One holder less; with the last one the text goes.
    pub fn release(&mut self, symbol: Option<Symbol>) {
        let Some(place) = symbol.map(place_of) else { return };
        let Some(slot) = self.slots.get_mut(place) else { return };
        slot.holders = slot.holders.saturating_sub(1);
        if slot.holders > 0 {
            return;
        }
        let hash = hash_of(&slot.text);
        if let Ok(entry) = self.table.find_entry(hash, |known| *known as usize == place) {
            entry.remove();
            self.text_bytes -= slot.text.len();
            slot.text = Box::default();
            self.free.push(place as u32);
        }
    }

    /// The text of a symbol of this user.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.slots.get(place_of(symbol)).map_or("", |slot| &slot.text)
    }

    /// As `text`, for a symbol that may be absent.
    pub fn text_of(&self, symbol: Option<Symbol>) -> Option<&str> {
        symbol.map(|symbol| self.text(symbol))
    }

    /// How many different texts are held.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Is nothing held?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.free.capacity() * size_of::<u32>()
            + self.table.capacity() * (size_of::<u32>() + 1)
            + self.text_bytes
            + self.len() * crate::state::memory::ALLOCATION_BYTES
    }
}

fn symbol(place: u32) -> Symbol {
    Symbol(NonZeroU32::MIN.saturating_add(place))
}

fn place_of(symbol: Symbol) -> usize {
    (symbol.0.get() - 1) as usize
}
