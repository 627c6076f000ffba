//! Ids that derive from what they name.

use crate::decision::blake2b::blake2b;

const HASH_BYTES: usize = 16;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The id of a decision: the same for every copy of a transaction. 128 bits of BLAKE2b over user and transaction, in hex.
pub fn decision_id(user_id: &str, transaction_id: &str) -> String {
    id_of(&[user_id, "\0", transaction_id])
}

/// The id of a notice or alert about an account's change.
pub fn change_id(user_id: &str, event_id: &str) -> String {
    id_of(&[user_id, "\0\0", event_id])
}

fn id_of(parts: &[&str]) -> String {
    let hash: [u8; HASH_BYTES] = blake2b(parts.concat().as_bytes());
    hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
