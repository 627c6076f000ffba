//! Which customers the roll-out of a rule reaches.

use crate::decision::blake2b::blake2b;

/// Places of customers in a roll-out: percents.
const PLACES: u64 = 100;

/// A customer's place in the roll-out of a rule, 0 to 99; the rule is live for those below its `rollout`.
///
/// The first 8 bytes of BLAKE2b (digest of 8 bytes) over user, NUL and rule, big-endian, modulo 100. A greater share thus
/// only adds customers, and the places of two rules are independent.
pub fn rollout_place(user_id: &str, rule_id: &str) -> u8 {
    let hash: [u8; 8] = blake2b([user_id, "\0", rule_id].concat().as_bytes());
    (u64::from_be_bytes(hash) % PLACES) as u8
}
