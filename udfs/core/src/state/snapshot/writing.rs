//! A snapshot in the newest layout.

use crate::msgpack::writer::Writer;
use crate::state::habits::Habits;
use crate::state::hourly::HourlyPayments;
use crate::state::known::Known;
use crate::state::snapshot::{FIELDS_OF_LAYOUT, Parts};
use crate::state::sums::Sums;
use crate::state::texts::Texts;

/// A user's state but the log, in the newest layout.
pub fn encode(parts: &Parts) -> Vec<u8> {
    let Parts { habits, account, texts, .. } = parts;
    let mut out = Writer::default();
    let layout = FIELDS_OF_LAYOUT.len();
    out.array(1 + FIELDS_OF_LAYOUT[layout - 1]);
    out.int(layout as i64);
    out.int(parts.sequence);
    out.int(parts.newest_ms);
    write_sums(&habits.lifetime, &mut out);
    out.unsigned(habits.peak);
    out.int(habits.first_ms);
    out.unsigned(habits.night_count);
    out.int(habits.newest_day);
    out.array(habits.days.len());
    for (day, sums) in &habits.days {
        out.array(2);
        out.int(*day);
        write_sums(sums, &mut out);
    }
    let known = known_of(habits);
    out.array(known.len());
    known.into_iter().for_each(|known| write_known(known, texts, &mut out));
    match parts.before {
        Some(before) => before.write_unanswered(texts, &mut out),
        None => out.nil(),
    }
    out.array(parts.logins.len());
    parts.logins.iter().for_each(|login| login.write(&mut out));
    out.array(account.unblocked_ms.len());
    account.unblocked_ms.iter().for_each(|time_ms| out.int(*time_ms));
    out.array(account.labels().len());
    for label in account.labels() {
        out.array(3);
        out.text(&label.transaction_id);
        out.int(label.known_at_ms);
        out.flag(label.is_fraud);
    }
    out.optional_text(parts.timezone);
    write_spend(habits, texts, &mut out);
    out.array(parts.flag_days.iter().len());
    for (kind, newest, mask) in parts.flag_days.iter() {
        out.array(3);
        out.text(kind);
        out.int(newest);
        out.unsigned(mask.into());
    }
    out.int(parts.limited_ms);
    out.array(account.verifications.len());
    for (time_ms, verified) in &account.verifications {
        out.array(2);
        out.int(*time_ms);
        out.flag(*verified);
    }
    write_hourly(parts.hourly, &mut out);
    out.bytes
}

fn write_hourly(hourly: &HourlyPayments, out: &mut Writer) {
    out.int(hourly.complete_from().into());
    out.array(3 * hourly.hours().count());
    let mut before = 0;
    for hour in hourly.hours() {
        out.int(i64::from(hour.hour) - before);
        out.unsigned(hour.count.into());
        out.unsigned(hour.minor);
        before = hour.hour.into();
    }
}

fn known_of(habits: &Habits) -> [&Known; 7] {
    [
        &habits.devices,
        &habits.countries,
        &habits.cities,
        &habits.merchants,
        &habits.categories,
        &habits.ip_addresses,
        &habits.beneficiaries,
    ]
}

fn write_sums(sums: &Sums, out: &mut Writer) {
    out.array(3);
    out.unsigned(sums.count);
    out.large(sums.total);
    out.large(sums.squares);
}

fn write_known(known: &Known, texts: &Texts, out: &mut Writer) {
    out.array(known.len());
    for (value, first_ms) in known.iter() {
        out.array(2);
        out.text(texts.text(value));
        out.int(first_ms);
    }
}

fn write_spend(habits: &Habits, texts: &Texts, out: &mut Writer) {
    out.array(habits.category_spend().len());
    for (category, spend) in habits.category_spend() {
        out.array(3);
        out.text(texts.text(*category));
        out.unsigned(spend.count);
        out.large(spend.total);
    }
    out.array(habits.merchant_dealings().len());
    for (merchant, dealings) in habits.merchant_dealings() {
        out.array(4);
        out.text(texts.text(*merchant));
        out.large(dealings.purchased);
        out.large(dealings.refunded);
        out.unsigned(dealings.refunds);
    }
}
