//! The decoded users of one operator instance, bounded by the memory that they take.
//!
//! A user that was not used for a while goes first: a hand goes round, and passes over those that were used since it came
//! by last. Nothing is lost with one that goes: the stored state is complete after every event.

use hashbrown::HashTable;

use crate::state::hashing::hash_of;
use crate::state::memory::ALLOCATION_BYTES;
use crate::state::user::User;

/// What a place in the cache costs beside its user.
const PLACE_BYTES: usize = size_of::<Place>() + 16 + 2 * ALLOCATION_BYTES;

#[derive(Debug)]
struct Place {
    id: Box<str>,
    user: Box<User>,
    bytes: usize,
    was_used: bool,
}

/// Users by id.
#[derive(Debug, Default)]
pub struct UserCache {
    places: Vec<Option<Place>>,
    free: Vec<u32>,
    table: HashTable<u32>,
    bytes: usize,
    hand: usize,
}

impl UserCache {
    /// Is this user decoded?
    pub fn contains(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// The user, which counts as used.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut User> {
        let place = self.find(id)?;
        let place = self.places[place].as_mut()?;
        place.was_used = true;
        Some(&mut place.user)
    }

    /// The user, without counting as used.
    pub fn find_user(&self, id: &str) -> Option<&User> {
        Some(&*self.places.get(self.find(id)?)?.as_ref()?.user)
    }

    /// Keep a decoded user, in place of what was kept of it.
    pub fn put(&mut self, id: &str, user: User) {
        self.evict(id);
        let bytes = user.memory_bytes() + id.len() + PLACE_BYTES;
        self.bytes += bytes;
        let place = Some(Place { id: id.into(), user: Box::new(user), bytes, was_used: true });
        let number = match self.free.pop() {
            Some(number) => {
                self.places[number as usize] = place;
                number
            }
            None => {
                self.places.push(place);
                (self.places.len() - 1) as u32
            }
        };
        let places = &self.places;
        self.table.insert_unique(hash_of(id), number, |number| {
            places[*number as usize].as_ref().map_or(0, |place| hash_of(&place.id))
        });
    }

    /// Count the memory of a user that has learned something.
    pub fn measure(&mut self, id: &str) {
        let Some(place) = self.find(id) else { return };
        if let Some(place) = &mut self.places[place] {
            let bytes = place.user.memory_bytes() + place.id.len() + PLACE_BYTES;
            self.bytes = self.bytes - place.bytes + bytes;
            place.bytes = bytes;
        }
    }

    /// Forget the decoded form, e.g. after an error half-way through an event.
    pub fn evict(&mut self, id: &str) {
        if let Some(place) = self.find(id) {
            self.drop_place(place);
        }
    }

    /// Forget all of them.
    pub fn evict_all(&mut self) {
        *self = Self::default();
    }

    /// Make room: to be called between batches, as it may drop any user.
    pub fn shrink_to(&mut self, limit_bytes: usize) {
        while self.bytes > limit_bytes && !self.is_empty() {
            self.hand = (self.hand + 1) % self.places.len();
            match &mut self.places[self.hand] {
                Some(place) if place.was_used => place.was_used = false,
                Some(_) => self.drop_place(self.hand),
                None => {}
            }
        }
    }

    /// How many users are decoded.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Is none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they take of memory, in bytes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn find(&self, id: &str) -> Option<usize> {
        let is_it = |number: &u32| self.places[*number as usize].as_ref().is_some_and(|place| *place.id == *id);
        self.table.find(hash_of(id), is_it).map(|number| *number as usize)
    }

    fn drop_place(&mut self, number: usize) {
        let Some(place) = self.places[number].take() else { return };
        self.bytes -= place.bytes;
        if let Ok(entry) = self.table.find_entry(hash_of(&place.id), |known| *known as usize == number) {
            entry.remove();
        }
        self.free.push(number as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_not_used_go_first() {
        let mut cache = UserCache::default();
        for id in ["a", "b", "c"] {
            cache.put(id, User::default());
        }
        let each = cache.bytes() / 3;
        cache.shrink_to(3 * each);
        assert_eq!(cache.len(), 3);
        cache.shrink_to(2 * each);
        assert_eq!(cache.len(), 2);
        cache.evict_all();
        assert!(cache.is_empty() && cache.bytes() == 0);
    }

    #[test]
    fn an_evicted_user_is_gone_and_may_come_again() {
        let mut cache = UserCache::default();
        cache.put("a", User::default());
        cache.evict("a");
        assert!(!cache.contains("a"));
        let mut user = User::default();
        user.sequence = 7;
        cache.put("a", user);
        assert_eq!(cache.get_mut("a").map(|user| user.sequence), Some(7));
    }
}
