use super::*;
use crate::state::entries::{EntryNumbers, EntryTexts, LogEntry, TransactionEntry};
use crate::state::texts::Texts;

fn entry(transaction_id: &str, texts: &mut Texts) -> TransactionEntry {
    let numbers = EntryNumbers { sequence: 70_000, timestamp_ms: 5, remembered_ms: 5, minor: 1, ..Default::default() };
    TransactionEntry::new(transaction_id, numbers, EntryTexts::default(), texts)
}

fn read(bytes: &[u8]) -> Answer {
    match LogEntry::decode(bytes, &mut Texts::default()) {
        Ok(LogEntry::Transaction(entry)) => entry.answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_answer_is_read_as_it_was_written() {
    for action in Action::ALL {
        for score in [0, 1, 499, 999, 1_000] {
            let answer = Answer::new(action, score);
            assert_eq!(answer.known(), Some((action, score)));
            let mut out = Writer::default();
            answer.write(&mut out);
            assert_eq!(Answer::read(&mut Reader::new(&out.bytes)).unwrap(), answer);
        }
    }
    assert_eq!(Answer::default().known(), None);
}

#[test]
fn answers_are_put_into_entries_by_user_and_id() {
    let mut texts = Texts::default();
    let bytes = |id: &str, texts: &mut Texts| LogEntry::Transaction(entry(id, texts)).encode(texts);
    let mut answers = Answers::default();
    answers.add("U1", "T1", Answer::new(Action::HardBlock, 980));
    answers.add("U2", "T2", Answer::new(Action::Allow, 3));
    let mut log = Write::Replace(vec![bytes("T1", &mut texts), bytes("T2", &mut texts)]);
    answers.put("U1", &mut log);
    let Write::Replace(log) = log else { panic!() };
    assert_eq!(read(&log[0]).known(), Some((Action::HardBlock, 980)));
    assert_eq!(read(&log[1]).known(), None); // another user's T2
    let mut appended = Write::Append(log[0].clone());
    answers.add("U1", "T1", Answer::new(Action::Allow, 1));
    answers.put("U1", &mut appended);
    assert_eq!(appended, Write::Append(log[0].clone())); // the first answer stays
}

#[test]
fn answers_from_before_an_erasure_are_those_of_repeats_before_it() {
    let (first, second) = (Answer::new(Action::HardBlock, 980), Answer::new(Action::Allow, 3));
    let mut answers = Answers::default();
    answers.add("U1", "T1", first);
    answers.add("U2", "T1", first);
    answers.forget("U1", 4);
    assert_eq!(answers.of("U1", "T1").known(), None);
    assert_eq!(answers.all().collect::<Vec<_>>(), [("U2", "T1", first)]);
    answers.add("U1", "T1", second);
    answers.forget("U1", 8);
    assert_eq!([3, 5, 9].map(|place| answers.before("U1", "T1", place)), [first, second, Answer::default()]);
    assert_eq!(answers.before("U2", "T1", 9), first);
}

#[test]
fn an_entry_of_a_version_without_answers_has_none() {
    let mut texts = Texts::default();
    let mut bytes = LogEntry::Transaction(entry("T1", &mut texts)).encode(&texts);
    bytes.truncate(bytes.len() - BYTES);
    let length = u16::from_be_bytes([bytes[1], bytes[2]]) - 1;
    bytes[1..3].copy_from_slice(&length.to_be_bytes());
    assert_eq!(read(&bytes).known(), None);
}

#[test]
fn other_entries_stay_as_they_are() {
    let mut texts = Texts::default();
    let mut bytes = vec![0x92, 0x02]; // of a login
    bytes.extend_from_slice(&Answer::default().bytes());
    let mut write = Write::Append(bytes.clone());
    let mut answers = Answers::default();
    answers.add("U1", "T1", Answer::new(Action::Allow, 1));
    answers.put("U1", &mut write);
    assert_eq!(write, Write::Append(bytes));
    let _ = &mut texts;
}
