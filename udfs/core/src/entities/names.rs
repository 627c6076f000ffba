//! The ids of a transaction's categories: what several fields say together becomes one text.

use std::fmt::Write;

use crate::entities::kinds::EntityKind;
use crate::events::Transaction;
use crate::time_units::HOUR_MS;

/// Digits of a card's number that name its issuer.
const BIN_LENGTH: usize = 6;

/// Put the id of a kind of `EntityKind::CATEGORIES` into `id`; false where the transaction does not tell it.
pub fn category_id(kind: EntityKind, transaction: &Transaction, id: &mut String) -> bool {
    id.clear();
    let field = match kind {
        EntityKind::Category | EntityKind::CategoryHour | EntityKind::CategoryChannel => &transaction.merchant_category,
        EntityKind::Channel => &transaction.channel,
        EntityKind::EntryMode => &transaction.entry_mode,
        EntityKind::MerchantCountry => &transaction.merchant_country,
        EntityKind::City => &transaction.city,
        EntityKind::Bin => &transaction.card_id,
        _ => return false,
    };
    let Some(text) = field.as_deref() else { return false };
    match kind {
        EntityKind::MerchantCountry | EntityKind::City if text.is_empty() => return false,
        EntityKind::Bin => {
            // A card id that does not begin with so many digits is a token, and tells no issuer.
            let Some(start) = text.get(..BIN_LENGTH).filter(|start| start.bytes().all(|byte| byte.is_ascii_digit()))
            else {
                return false;
            };
            id.push_str(start);
        }
        _ => id.push_str(text),
    }
    match kind {
        EntityKind::CategoryHour => {
            let hour = transaction.timestamp.div_euclid(HOUR_MS).rem_euclid(24);
            write!(id, "|{hour}").is_ok()
        }
        EntityKind::CategoryChannel => {
            let Some(channel) = transaction.channel.as_deref() else { return false };
            id.push('|');
            id.push_str(channel);
            true
        }
        _ => true,
    }
}
