//! Who is blocked: users, cards, devices, merchants and IP addresses, with reason and expiry.

use hashbrown::HashMap;

use crate::events::Transaction;
use crate::profiles::{BlockEntry, BlockType};

/// Looks up a transaction's parties. An entry counts at event time t while t < expires_at.
#[derive(Clone, Debug, Default)]
pub struct BlockList {
    by_type: [HashMap<Box<str>, Vec<BlockEntry>>; BlockType::ALL.len()],
}

impl BlockList {
    /// One more entry on its party.
    pub fn add(&mut self, entry: BlockEntry) {
        self.by_type[entry.kind as usize].entry(entry.value.clone()).or_default().push(entry);
    }

    /// The entry takes the place of all that the list holds on its party.
    pub fn put(&mut self, entry: BlockEntry) {
        self.by_type[entry.kind as usize].insert(entry.value.clone(), vec![entry]);
    }

    /// The list holds nothing on the party any more.
    pub fn remove(&mut self, kind: BlockType, value: &str) {
        self.by_type[kind as usize].remove(value);
    }

    /// Does the list hold anything on the party, in force or not?
    pub fn names(&self, kind: BlockType, value: &str) -> bool {
        self.by_type[kind as usize].contains_key(value)
    }

    /// The entries in force for the transaction's user, card, device, merchant and IP address, in this order.
    pub fn hits(&self, transaction: &Transaction) -> Vec<BlockEntry> {
        let parties = [
            Some(&transaction.user_id),
            transaction.card_id.as_ref(),
            transaction.device_id.as_ref(),
            transaction.merchant_id.as_ref(),
            transaction.ip_address.as_ref(),
        ];
        let mut found = Vec::new();
        for (known, party) in self.by_type.iter().zip(parties) {
            if known.is_empty() {
                continue;
            }
            let entries = party.and_then(|party| known.get(&**party));
            found.extend(entries.into_iter().flatten().filter(|entry| entry.in_force(transaction.timestamp)).cloned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: BlockType, value: &str, expires_at: Option<i64>) -> BlockEntry {
        BlockEntry { kind, value: value.into(), reason_code: None, source_system: None, expires_at }
    }

    #[test]
    fn entries_count_until_they_expire() {
        let mut list = BlockList::default();
        list.add(entry(BlockType::User, "U1", Some(5)));
        list.add(entry(BlockType::Device, "D1", None));
        let mut transaction = Transaction::new("T1".into(), "U1".into(), 4, 1.0);
        transaction.device_id = Some("D1".into());
        assert_eq!(list.hits(&transaction).len(), 2);
        transaction.timestamp = 5;
        assert_eq!(list.hits(&transaction), [entry(BlockType::Device, "D1", None)]);
        list.remove(BlockType::Device, "D1");
        assert!(list.hits(&transaction).is_empty());
    }
}
