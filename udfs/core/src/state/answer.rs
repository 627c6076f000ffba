//! What was answered to a transaction: its action and risk score, kept with its id, so that a repeat gets the same answer.
//!
//! A transaction is learned before its batch is decided. Its entry is therefore written with no answer in a place of fixed
//! length, which is its end, and the answer is put there when it is known.

use hashbrown::HashMap;

use crate::decision::actions::Action;
use crate::msgpack::reader::{Malformed, Reader};
use crate::msgpack::writer::Writer;
use crate::state::entries::transaction_id_of;
use crate::state::user::Write;

/// Scores are 0 to 1000.
const SCORES: u16 = 1_001;
const UNANSWERED: u16 = u16::MAX;
/// MessagePack's head of an unsigned integer of 16 bits.
const U16: u8 = 0xcd;
const BYTES: usize = 3;

/// Action and risk score of a decision, or none: it is not known, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer(u16);

impl Default for Answer {
    fn default() -> Self {
        Self(UNANSWERED)
    }
}

impl Answer {
    /// The answer of a decision.
    pub fn new(action: Action, risk_score: i64) -> Self {
        let score = risk_score.clamp(0, i64::from(SCORES) - 1) as u16;
        Self(action as u16 * SCORES + score)
    }

    /// Action and risk score.
    pub fn known(self) -> Option<(Action, i64)> {
        let action = Action::ALL.get(usize::from(self.0 / SCORES))?;
        Some((*action, i64::from(self.0 % SCORES)))
    }

    /// Always `BYTES` long.
    pub fn write(self, out: &mut Writer) {
        out.bytes.extend_from_slice(&self.bytes());
    }

    /// Of any integer that `write` has not written there is no answer.
    pub fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(Self(u16::try_from(reader.unsigned()?).unwrap_or(UNANSWERED)))
    }

    fn bytes(self) -> [u8; BYTES] {
        let [high, low] = self.0.to_be_bytes();
        [U16, high, low]
    }
}

/// The answers of a batch, by user and transaction. To be filled in the order of the batch.
#[derive(Debug, Default)]
pub struct Answers<'a> {
    by_id: HashMap<(&'a str, &'a str), Answer>,
    forgotten: Vec<Forgotten<'a>>,
}

/// An answer to a transaction of a user who was erased at this place of the batch.
#[derive(Debug)]
struct Forgotten<'a> {
    user_id: &'a str,
    transaction_id: &'a str,
    erased_at: usize,
    answer: Answer,
}

impl<'a> Answers<'a> {
    /// Add the answer to a transaction.
    pub fn add(&mut self, user_id: &'a str, transaction_id: &'a str, answer: Answer) {
        self.by_id.insert((user_id, transaction_id), answer);
    }

    /// The user was erased at this place of the batch: only repeats before it get the answers until here.
    pub fn forget(&mut self, user_id: &str, erased_at: usize) {
        let of_user = self.by_id.extract_if(|(known, _), _| *known == user_id);
        self.forgotten.extend(of_user.map(|((user_id, transaction_id), answer)| Forgotten {
            user_id,
            transaction_id,
            erased_at,
            answer,
        }));
    }

    /// The answer that the batch gave to this transaction.
    pub fn of(&self, user_id: &str, transaction_id: &str) -> Answer {
        self.by_id.get(&(user_id, transaction_id)).copied().unwrap_or_default()
    }

    /// The same, for a repeat at this place of the batch.
    pub fn before(&self, user_id: &str, transaction_id: &str, place: usize) -> Answer {
        let is_it =
            |one: &&Forgotten| one.user_id == user_id && one.transaction_id == transaction_id && place < one.erased_at;
        match self.forgotten.iter().find(is_it) {
            Some(forgotten) => forgotten.answer,
            None => self.of(user_id, transaction_id),
        }
    }

    /// User, transaction and answer of each.
    pub fn all(&self) -> impl Iterator<Item = (&'a str, &'a str, Answer)> {
        self.by_id.iter().map(|((user_id, transaction_id), answer)| (*user_id, *transaction_id, *answer))
    }

    /// Put the answers into what is to be written of a user.
    pub fn put(&self, user_id: &str, write: &mut Write) {
        match write {
            Write::Append(entry) => self.put_into(user_id, entry),
            Write::Replace(log) => log.iter_mut().for_each(|entry| self.put_into(user_id, entry)),
            Write::Snapshot(_) | Write::Clear => {}
        }
    }

    fn put_into(&self, user_id: &str, entry: &mut [u8]) {
        if !entry.ends_with(&Answer::default().bytes()) {
            return;
        }
        let Some(transaction_id) = transaction_id_of(entry) else { return };
        let answer = self.of(user_id, transaction_id).bytes();
        let start = entry.len() - BYTES;
        entry[start..].copy_from_slice(&answer);
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
