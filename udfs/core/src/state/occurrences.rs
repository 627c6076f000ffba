//! How many different values occur in any span of time, also where values arrive in any order.
//!
//! Each occurrence knows when its value occurred before. Of a span's occurrences those whose value was not in the span before
//! are as many as its different values. They are kept in blocks, each with its earlier times sorted, so that a block within
//! the span is counted by one search.

use std::collections::BTreeSet;

use crate::state::memory::vec_bytes;
use crate::state::texts::Symbol;

const BLOCK: usize = 256;
/// Bytes of an element of a tree, with its share of the nodes, about.
const ELEMENT_BYTES: usize = 24;

/// When a value occurred, and when it did before.
type Occurrence = (i64, i64);

#[derive(Clone, Debug, Default)]
struct Block {
    occurrences: Vec<Occurrence>,
    /// Sorted.
    earlier: Vec<i64>,
}

/// The occurrences of one kind of value.
#[derive(Clone, Debug, Default)]
pub struct Occurrences {
    times: BTreeSet<(Symbol, i64)>,
    blocks: Vec<Block>,
}

impl Occurrences {
    /// From values and times, in any order.
    pub fn of(values: impl Iterator<Item = (Option<Symbol>, i64)>) -> Self {
        let times: BTreeSet<(Symbol, i64)> = values.filter_map(|(value, time_ms)| Some((value?, time_ms))).collect();
        let mut occurrences = Vec::with_capacity(times.len());
        let mut last: Option<(Symbol, i64)> = None;
        for (value, time_ms) in &times {
            let earlier = last.filter(|(same, _)| same == value).map_or(i64::MIN, |(_, earlier_ms)| earlier_ms);
            occurrences.push((*time_ms, earlier));
            last = Some((*value, *time_ms));
        }
        occurrences.sort_unstable();
        let blocks = occurrences.chunks(BLOCK).map(|chunk| Block::of(chunk.to_vec())).collect();
        Self { times, blocks }
    }

    /// A value occurred; an absent one is none.
    pub fn add(&mut self, value: Option<Symbol>, time_ms: i64) {
        let Some(value) = value else { return };
        if !self.times.insert((value, time_ms)) {
            return; // A second one at the same moment adds to no span.
        }
        let earlier =
            self.times.range((value, i64::MIN)..(value, time_ms)).next_back().map_or(i64::MIN, |found| found.1);
        if let Some(later_ms) = time_ms.checked_add(1) {
            let later = self.times.range((value, later_ms)..=(value, i64::MAX)).next().map(|found| found.1);
            if let Some(later_ms) = later {
                let at = self.block_of((later_ms, earlier));
                self.blocks[at].remove((later_ms, earlier));
                if self.blocks[at].occurrences.is_empty() {
                    self.blocks.remove(at);
                }
                self.insert((later_ms, time_ms));
            }
        }
        self.insert((time_ms, earlier));
    }

    /// How many different values occurred in (start, end].
    pub fn distinct(&self, start_ms: i64, end_ms: i64) -> u64 {
        let begin = self.blocks.partition_point(|block| block.last().0 <= start_ms);
        let blocks = self.blocks[begin..].iter().take_while(|block| block.first().0 <= end_ms);
        blocks.map(|block| block.distinct(start_ms, end_ms)).sum::<usize>() as u64
    }

    /// Did this value occur in (start, end]?
    pub fn contains(&self, value: Symbol, start_ms: i64, end_ms: i64) -> bool {
        start_ms < end_ms && self.times.range((value, start_ms + 1)..=(value, end_ms)).next().is_some()
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        let of_block = |block: &Block| vec_bytes(&block.occurrences) + vec_bytes(&block.earlier);
        self.times.len() * ELEMENT_BYTES + vec_bytes(&self.blocks) + self.blocks.iter().map(of_block).sum::<usize>()
    }

    /// The last block that does not begin after the occurrence.
    fn block_of(&self, occurrence: Occurrence) -> usize {
        self.blocks.partition_point(|block| block.first() <= occurrence).saturating_sub(1)
    }

    fn insert(&mut self, occurrence: Occurrence) {
        if self.blocks.is_empty() {
            self.blocks.push(Block::of(vec![occurrence]));
            return;
        }
        let at = self.block_of(occurrence);
        self.blocks[at].insert(occurrence);
        if self.blocks[at].occurrences.len() > 2 * BLOCK {
            let later = self.blocks[at].occurrences.split_off(BLOCK);
            self.blocks.insert(at + 1, Block::of(later));
            let earlier = std::mem::take(&mut self.blocks[at].occurrences);
            self.blocks[at] = Block::of(earlier);
        }
    }
}

impl Block {
    fn of(occurrences: Vec<Occurrence>) -> Self {
        let mut earlier: Vec<i64> = occurrences.iter().map(|occurrence| occurrence.1).collect();
        earlier.sort_unstable();
        Self { occurrences, earlier }
    }

    /// A block is never empty.
    fn first(&self) -> Occurrence {
        self.occurrences.first().copied().unwrap_or((i64::MIN, i64::MIN))
    }

    fn last(&self) -> Occurrence {
        self.occurrences.last().copied().unwrap_or((i64::MIN, i64::MIN))
    }

    fn insert(&mut self, occurrence: Occurrence) {
        let at = self.occurrences.partition_point(|known| *known <= occurrence);
        self.occurrences.insert(at, occurrence);
        let at = self.earlier.partition_point(|known| *known <= occurrence.1);
        self.earlier.insert(at, occurrence.1);
    }

    fn remove(&mut self, occurrence: Occurrence) {
        if let Ok(at) = self.occurrences.binary_search(&occurrence) {
            self.occurrences.remove(at);
        }
        if let Ok(at) = self.earlier.binary_search(&occurrence.1) {
            self.earlier.remove(at);
        }
    }

    fn distinct(&self, start_ms: i64, end_ms: i64) -> usize {
        if self.first().0 > start_ms && self.last().0 <= end_ms {
            return self.earlier.partition_point(|earlier_ms| *earlier_ms <= start_ms);
        }
        let begin = self.occurrences.partition_point(|occurrence| occurrence.0 <= start_ms);
        let end = self.occurrences.partition_point(|occurrence| occurrence.0 <= end_ms);
        self.occurrences[begin..end].iter().filter(|occurrence| occurrence.1 <= start_ms).count()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::state::texts::Texts;

    fn symbols() -> Vec<Symbol> {
        let mut texts = Texts::default();
        (0..40).map(|number| texts.hold(&number.to_string())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn spans_are_counted_as_by_a_plain_list(
            built in prop::collection::vec((0usize..41, 0i64..400), 0..800),
            added in prop::collection::vec((0usize..41, 0i64..400), 0..1500),
            spans in prop::collection::vec((-1i64..401, -1i64..401), 20),
        ) {
            let symbols = symbols();
            let value = |number: usize| symbols.get(number).copied();
            let mut occurrences = Occurrences::of(built.iter().map(|(number, time_ms)| (value(*number), *time_ms)));
            added.iter().for_each(|(number, time_ms)| occurrences.add(value(*number), *time_ms));
            let all: Vec<_> = built.iter().chain(&added).collect();
            for (a, b) in spans {
                let (start, end) = (a.min(b), a.max(b));
                let within = all.iter().filter(|(_, time_ms)| start < *time_ms && *time_ms <= end);
                let values: HashSet<_> = within.filter_map(|(number, _)| value(*number)).collect();
                prop_assert_eq!(occurrences.distinct(start, end), values.len() as u64);
                prop_assert_eq!(occurrences.contains(symbols[3], start, end), values.contains(&symbols[3]));
            }
        }
    }
}
