//! The session: the user's transactions that follow each other within 30 minutes, up to and with this one.
//!
//! It is found by the gaps between transactions, so that a source needs to give no session id. A late transaction sees
//! none; of a longer session the newest SESSION_LIMIT transactions of a day count.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::state::recent::distinct;
use crate::state::sorted_times::first_after;
use crate::time_units::MINUTE_MS;

pub const FAMILY: Family = Family { name: "session", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "session_txn_count",
            "transactions",
            "transactions of the session, this one included (at most 64)",
            Words::number(Form::Count, "{} payments in this session")
                .unknown("payment arrived too late for its session"),
            Signal::high("velocity", 3.0, 6.0).rank(2),
        ),
        Feature::new(
            "session_device_count",
            "devices",
            "different known devices of the session",
            Words::number(Form::Count, "{} devices in this session")
                .unknown("no device stated, or payment arrived too late"),
            Signal::high("device_change", 2.0, 2.0).rank(2),
        )
        .groups(&["device"]),
        Feature::new(
            "session_city_count",
            "cities",
            "different known cities of the session",
            Words::number(Form::Count, "{} cities in this session")
                .unknown("no city stated, or payment arrived too late"),
            Signal::high("travel", 2.0, 2.0),
        )
        .groups(&["city"]),
    ]
}

/// The longest pause within a session.
pub const SESSION_GAP_MS: i64 = 30 * MINUTE_MS;
const SESSION_LIMIT: usize = 64;

fn compute(context: &Context, out: &mut [f64]) {
    out.fill(f64::NAN);
    if context.windows.is_none() {
        return;
    }
    let (recent, time_ms) = (&context.recent, context.time_ms);
    let times = recent.times();
    let last = first_after(times, time_ms);
    let oldest = first_after(times, time_ms - recent.settings.day_ms).max(last.saturating_sub(SESSION_LIMIT));
    let pauses = (oldest + 1..last).rev().take_while(|at| times[*at] - times[*at - 1] <= SESSION_GAP_MS);
    let first = last.saturating_sub(1 + pauses.count());
    out[0] = (last - first) as f64;
    if context.transaction.device_id.is_some() {
        out[1] = distinct(recent.entries(first, last).map(|entry| entry.device)) as f64;
    }
    if context.transaction.city.is_some() {
        out[2] = distinct(recent.entries(first, last).map(|entry| entry.city)) as f64;
    }
}
