//! Sums and maxima over any slice of a user's amounts in time order, in blocks: an amount that arrives late changes one block
//! and the beginnings of those after it.

use crate::state::memory::vec_bytes;

const BLOCK: usize = 256;

/// Sums of amounts and of their squares. They may wrap around: only differences count, and those of a window fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub minor: u128,
    pub squares: u128,
}

impl Totals {
    pub fn minus(self, other: Self) -> Self {
        Self { minor: self.minor.wrapping_sub(other.minor), squares: self.squares.wrapping_sub(other.squares) }
    }

    fn plus(self, other: Self) -> Self {
        Self { minor: self.minor.wrapping_add(other.minor), squares: self.squares.wrapping_add(other.squares) }
    }

    fn of(minor: u64) -> Self {
        let minor = u128::from(minor);
        Self { minor, squares: minor * minor }
    }
}

#[derive(Clone, Debug, Default)]
struct Block {
    /// Amounts in the blocks before.
    first: usize,
    before: Totals,
    /// Within the block, up to and with each amount.
    totals: Vec<Totals>,
    peak: u64,
}

/// Amounts in minor units, by position.
#[derive(Clone, Debug, Default)]
pub struct Amounts {
    blocks: Vec<Block>,
}

impl Amounts {
    /// The memory that an amount at the end will touch.
    pub fn newest(&self) -> &[Totals] {
        self.blocks.last().map_or(&[], |block| &block.totals)
    }

    /// Insert an amount at a position.
    pub fn insert(&mut self, position: usize, minor: u64) {
        if self.blocks.is_empty() {
            self.blocks.reserve_exact(1);
            self.blocks.push(Block::default());
        }
        let mut at = self.block_of(position);
        let length = self.blocks[at].totals.len();
        if length >= BLOCK && position == self.blocks[at].first + length {
            // Behind all others, as usual: a full block needs no splitting.
            let before = self.until(position);
            self.blocks[at].totals.shrink_to_fit();
            self.blocks.push(Block { first: position, before, ..Block::default() });
            at += 1;
        }
        let amount = Totals::of(minor);
        let block = &mut self.blocks[at];
        let place = position - block.first;
        if block.totals.len() == block.totals.capacity() {
            // Less room to spare than doubling leaves: most users are quiet.
            block.totals.reserve_exact(block.totals.len() / 4 + 2);
        }
        let before = place.checked_sub(1).map_or(Totals::default(), |before| block.totals[before]);
        block.totals.insert(place, before);
        block.totals[place..].iter_mut().for_each(|total| *total = total.plus(amount));
        block.peak = block.peak.max(minor);
        for later in &mut self.blocks[at + 1..] {
            later.first += 1;
            later.before = later.before.plus(amount);
        }
        if self.blocks[at].totals.len() > 2 * BLOCK {
            self.split(at);
        }
    }

    /// The totals of all amounts before a position, from a beginning that is the same until amounts are dropped.
    pub fn until(&self, position: usize) -> Totals {
        match position.checked_sub(1) {
            None => self.blocks.first().map_or(Totals::default(), |block| block.before),
            Some(last) => {
                let block = &self.blocks[self.block_of(last)];
                block.before.plus(block.totals[last - block.first])
            }
        }
    }

    /// The greatest amount at positions `first..last`; 0 where there is none.
    pub fn peak(&self, first: usize, last: usize) -> u64 {
        let mut peak = 0;
        for block in self.blocks.iter().skip(self.block_of(first)).take_while(|block| block.first < last) {
            let (from, until) = (first.saturating_sub(block.first), (last - block.first).min(block.totals.len()));
            let part = if from == 0 && until == block.totals.len() {
                block.peak
            } else {
                (from..until).map(|place| block.amount(place)).max().unwrap_or(0)
            };
            peak = peak.max(part);
        }
        peak
    }

    /// Drop the first amounts.
    pub fn drop_first(&mut self, count: usize) {
        let whole = self.blocks.iter().take_while(|block| block.first + block.totals.len() <= count).count();
        let mut dropped = self.blocks.drain(..whole);
        let last = dropped.next_back();
        drop(dropped);
        match self.blocks.first_mut() {
            // A block of nothing remembers where the sums are.
            None => self.blocks.extend(last.map(|block| Block {
                first: count,
                before: block.before.plus(block.totals.last().copied().unwrap_or_default()),
                ..Block::default()
            })),
            Some(block) if count > block.first => block.drop_first(count - block.first),
            Some(_) => {}
        }
        for block in &mut self.blocks {
            block.first = block.first.saturating_sub(count);
        }
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        vec_bytes(&self.blocks) + self.blocks.iter().map(|block| vec_bytes(&block.totals)).sum::<usize>()
    }

    fn block_of(&self, position: usize) -> usize {
        self.blocks.partition_point(|block| block.first <= position).saturating_sub(1)
    }

    fn split(&mut self, at: usize) {
        let block = &mut self.blocks[at];
        let half = block.totals.len() / 2;
        let until = block.totals[half - 1];
        let totals: Vec<Totals> = block.totals[half..].iter().map(|total| total.minus(until)).collect();
        block.totals.truncate(half);
        block.totals.shrink_to_fit();
        block.peak = block.greatest();
        let mut later = Block { first: block.first + half, before: block.before.plus(until), totals, peak: 0 };
        later.peak = later.greatest();
        self.blocks.insert(at + 1, later);
    }
}

impl Block {
    fn amount(&self, place: usize) -> u64 {
        let before = place.checked_sub(1).map_or(0, |before| self.totals[before].minor);
        self.totals[place].minor.wrapping_sub(before) as u64
    }

    fn greatest(&self) -> u64 {
        (0..self.totals.len()).map(|place| self.amount(place)).max().unwrap_or(0)
    }

    fn drop_first(&mut self, count: usize) {
        let until = self.totals[count - 1];
        self.totals.drain(..count);
        self.totals.iter_mut().for_each(|total| *total = total.minus(until));
        self.before = self.before.plus(until);
        self.first += count;
        self.peak = self.greatest();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Insert(usize, u64),
        Append(u64),
        DropFirst(usize),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![
            8 => (any::<usize>(), 0u64..1000).prop_map(|(at, minor)| Change::Insert(at, minor)),
            8 => (0u64..=u64::MAX).prop_map(Change::Append),
            1 => (0usize..40).prop_map(Change::DropFirst),
        ];
        prop::collection::vec(change, 0..1500)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn slices_are_those_of_a_plain_list(changes in changes(), slices in prop::collection::vec((any::<usize>(), any::<usize>()), 20)) {
            let (mut amounts, mut list) = (Amounts::default(), Vec::new());
            for change in changes {
                match change {
                    Change::Insert(at, minor) => {
                        let at = at % (list.len() + 1);
                        amounts.insert(at, minor);
                        list.insert(at, minor);
                    }
                    Change::Append(minor) => {
                        amounts.insert(list.len(), minor);
                        list.push(minor);
                    }
                    Change::DropFirst(count) => {
                        let count = count.min(list.len());
                        amounts.drop_first(count);
                        list.drain(..count);
                    }
                }
            }
            for (a, b) in slices {
                let (a, b) = (a % (list.len() + 1), b % (list.len() + 1));
                let (first, last) = (a.min(b), a.max(b));
                let slice = &list[first..last];
                let expected = slice.iter().fold(Totals::default(), |sum, minor| sum.plus(Totals::of(*minor)));
                prop_assert_eq!(amounts.until(last).minus(amounts.until(first)), expected);
                prop_assert_eq!(amounts.peak(first, last), slice.iter().copied().max().unwrap_or(0));
            }
        }
    }
}
