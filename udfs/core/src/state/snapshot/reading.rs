//! Snapshots of every layout.

use crate::msgpack::reader::{Malformed, Reader};
use crate::state::account_history::{AccountHistory, KnownLabel};
use crate::state::entries::{LogEntry, TransactionEntry};
use crate::state::flag_days::FlagDays;
use crate::state::habits::{CategorySpend, Dealings, Habits};
use crate::state::hourly::HourlyPayments;
use crate::state::packed_hours::Hour;
use crate::state::snapshot::{FIELDS_OF_LAYOUT, Snapshot};
use crate::state::sums::Sums;
use crate::state::texts::Texts;

/// The stored part of a user; the caller adds the log's logins. Texts are held by `texts`.
///
/// Raises `Malformed` for bytes of an unknown layout.
pub fn decode(bytes: &[u8], texts: &mut Texts) -> Result<Snapshot, Malformed> {
    let mut reader = Reader::new(bytes);
    let before = reader;
    let length = reader.array()?;
    let layout = reader.int()?;
    if layout > FIELDS_OF_LAYOUT.len() as i64 {
        return Err(before.unknown_layout("a snapshot of a known layout", layout));
    }
    let fields = usize::try_from(layout).ok().and_then(|layout| FIELDS_OF_LAYOUT.get(layout.wrapping_sub(1)));
    let Some(fields) = fields.copied().filter(|_| length > FIELDS_OF_LAYOUT[0]) else {
        return Err(before.malformed("a snapshot of a known layout"));
    };
    // Fields that have a default may be left out at the end.
    let given = (length - 1).min(fields);
    let sequence = reader.int()?;
    let newest_ms = reader.int()?;
    let mut habits = Habits::default();
    habits.lifetime = read_sums(&mut reader)?;
    habits.peak = reader.unsigned()?;
    habits.first_ms = reader.int()?;
    habits.night_count = reader.unsigned()?;
    habits.newest_day = reader.int()?;
    for _ in 0..reader.array()? {
        require_array(&mut reader, 2)?;
        habits.days.push((reader.int()?, read_sums(&mut reader)?));
    }
    read_all_known(&mut reader, &mut habits, texts)?;
    let before = if reader.nil() { None } else { Some(read_transaction(&mut reader, texts)?) };
    let mut account = read_account(&mut reader, texts)?;
    let labels = (0..reader.array()?).map(|_| read_label(&mut reader)).collect::<Result<_, _>>()?;
    account.restore_labels(labels);
    let timezone = if given > 13 { reader.optional(Reader::text)?.map(Into::into) } else { None };
    if given > 14 {
        read_categories(&mut reader, &mut habits, texts)?;
    }
    if given > 15 {
        read_merchants(&mut reader, &mut habits, texts)?;
    }
    let mut flag_days = FlagDays::default();
    if given > 16 {
        for _ in 0..reader.array()? {
            require_array(&mut reader, 3)?;
            let (kind, newest, mask) = (reader.text()?, reader.int()?, reader.unsigned()?);
            flag_days.restore(kind, newest, mask as u32);
        }
    }
    let limited_ms = if given > 17 { reader.int()? } else { -1 };
    if given > 18 {
        for _ in 0..reader.array()? {
            require_array(&mut reader, 2)?;
            account.verifications.push((reader.int()?, reader.flag()?));
        }
    }
    let hourly = if given > 20 { read_hourly(&mut reader)? } else { HourlyPayments::unknown_until(newest_ms) };
    reader.skip_many(length - 1 - given)?;
    reader.end()?;
    Ok(Snapshot { sequence, newest_ms, habits, hourly, account, before, timezone, flag_days, limited_ms })
}

fn read_sums(reader: &mut Reader) -> Result<Sums, Malformed> {
    require_array(reader, 3)?;
    Ok(Sums { count: reader.unsigned()?, total: reader.large()?, squares: reader.large()? })
}

fn read_all_known(reader: &mut Reader, habits: &mut Habits, texts: &mut Texts) -> Result<(), Malformed> {
    require_array(reader, 7)?;
    for known in [
        &mut habits.devices,
        &mut habits.countries,
        &mut habits.cities,
        &mut habits.merchants,
        &mut habits.categories,
        &mut habits.ip_addresses,
        &mut habits.beneficiaries,
    ] {
        for _ in 0..reader.array()? {
            require_array(reader, 2)?;
            let (text, first_ms) = (reader.text()?, reader.int()?);
            known.restore(text, first_ms, texts);
        }
    }
    Ok(())
}

fn read_transaction(reader: &mut Reader, texts: &mut Texts) -> Result<TransactionEntry, Malformed> {
    let before = *reader;
    match LogEntry::read(reader, texts)? {
        LogEntry::Transaction(entry) => Ok(entry),
        _ => Err(before.malformed("a transaction")),
    }
}

fn read_account(reader: &mut Reader, texts: &mut Texts) -> Result<AccountHistory, Malformed> {
    let mut account = AccountHistory::default();
    let mut logins = Vec::new();
    for _ in 0..reader.array()? {
        let before = *reader;
        match LogEntry::read(reader, texts)? {
            LogEntry::Login(login) => logins.push(login),
            _ => return Err(before.malformed("a login")),
        }
    }
    account.restore_logins(logins);
    account.unblocked_ms = (0..reader.array()?).map(|_| reader.int()).collect::<Result<_, _>>()?;
    Ok(account)
}

fn read_label(reader: &mut Reader) -> Result<KnownLabel, Malformed> {
    require_array(reader, 3)?;
    Ok(KnownLabel { transaction_id: reader.text()?.into(), known_at_ms: reader.int()?, is_fraud: reader.flag()? })
}

fn read_categories(reader: &mut Reader, habits: &mut Habits, texts: &mut Texts) -> Result<(), Malformed> {
    for _ in 0..reader.array()? {
        require_array(reader, 3)?;
        let (category, count, total) = (reader.text()?, reader.unsigned()?, reader.large()?);
        habits.restore_category(category, CategorySpend { count, total }, texts);
    }
    Ok(())
}

fn read_merchants(reader: &mut Reader, habits: &mut Habits, texts: &mut Texts) -> Result<(), Malformed> {
    for _ in 0..reader.array()? {
        require_array(reader, 4)?;
        let merchant = reader.text()?;
        let (purchased, refunded, refunds) = (reader.large()?, reader.large()?, reader.unsigned()?);
        habits.restore_merchant(merchant, Dealings { purchased, refunded, refunds }, texts);
    }
    Ok(())
}

fn read_hourly(reader: &mut Reader) -> Result<HourlyPayments, Malformed> {
    let before = *reader;
    let malformed = || before.malformed("hours with payments that ascend");
    let mut hourly = HourlyPayments::complete_from_hour(reader.int()?.try_into().map_err(|_| malformed())?);
    let (length, mut hour) = (reader.array()?, 0i64);
    if length % 3 != 0 {
        return Err(malformed());
    }
    for _ in 0..length / 3 {
        hour = hour.checked_add(reader.int()?).ok_or_else(malformed)?;
        let (count, minor) = (reader.unsigned()?, reader.unsigned()?);
        let hour = hour.try_into().map_err(|_| malformed())?;
        let count = count.try_into().map_err(|_| malformed())?;
        if !hourly.restore(Hour { hour, count, minor }) {
            return Err(malformed());
        }
    }
    Ok(hourly)
}

fn require_array(reader: &mut Reader, length: usize) -> Result<(), Malformed> {
    let before = *reader;
    if reader.array()? == length { Ok(()) } else { Err(before.malformed("an array of another length")) }
}
