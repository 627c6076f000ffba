//! Hashes of texts. The seed is random: ids are what anybody sends, and no result depends on an order of hashes.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// The hash of a text, within this process.
pub fn hash_of(text: &str) -> u64 {
    STATE.hash_one(text)
}
