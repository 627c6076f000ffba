//! Keeping what was answered to a batch's transactions.

use crate::engine::batch::{Learning, Outcome, Refused};
use crate::engine::{Engine, Learned};
use crate::events::Event;
use crate::state::answer::Answers;

impl Engine {
    /// Put the answers into the users' states, into what is to be written of them, and into the batch's duplicates whose
    /// first one is in the batch, too.
    pub fn keep_answers<'a>(
        &mut self,
        events: &[Result<Event<'_>, Refused>],
        learning: &mut Learning<'a>,
        answers: &Answers<'a>,
    ) {
        for (user_id, transaction_id, answer) in answers.all() {
            // A user that is not in memory any more gets them with the entries that are written.
            if let Some(user) = self.users.get_mut(user_id) {
                user.arrivals.set_answer(transaction_id, answer);
            }
        }
        for (place, write) in &mut learning.writes {
            if let Some(Ok(event)) = events.get(*place) {
                answers.put(event.user_id(), write);
            }
        }
        for (place, outcome) in learning.outcomes.iter_mut().enumerate() {
            if let Outcome::Learned(Learned::Duplicate(duplicate)) = outcome
                && duplicate.answer.known().is_none()
            {
                let transaction = duplicate.transaction;
                duplicate.answer = answers.before(&transaction.user_id, &transaction.transaction_id, place);
            }
        }
    }
}
