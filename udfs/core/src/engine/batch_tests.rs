//! What a batch does with records that fail.

use super::*;
use crate::engine::enrichment::Enrichment;
use crate::entities::buckets::BucketSettings;
use crate::features::width;
use crate::money::Money;
use crate::records::{RecordSettings, Records};
use crate::state::settings::UserStateSettings;

/// Users without a state, and stores without records. Asking for an offset panics.
struct Nothing;

impl Zones for Nothing {
    fn offset_ms(&self, zone: &str, _: i64) -> Result<i64, String> {
        panic!("no zone {zone}");
    }
}

impl Port for Nothing {
    type Failure = String;

    fn decode(&self, payload: &[u8]) -> Result<Result<Vec<u8>, String>, String> {
        Ok(Err(format!("record {}", String::from_utf8_lossy(payload))))
    }

    fn wrong_key(&self, user_id: &str, key: &str) -> Result<String, String> {
        Ok(format!("{user_id} {key}"))
    }

    fn load(&self, places: &[usize]) -> Result<Vec<StoredUser>, String> {
        Ok(places.iter().map(|_| StoredUser::default()).collect())
    }

    fn fetch(&self, keys: &[String]) -> Result<Option<Vec<Record>>, String> {
        Ok(Some(keys.iter().map(|_| Record::Absent).collect()))
    }

    fn want(&self, _: &[String]) -> Result<(), String> {
        Ok(())
    }

    fn refreshed(&self) -> Result<Vec<(String, Record)>, String> {
        Ok(Vec::new())
    }

    fn stores_now(&self) -> Result<StoresNow, String> {
        Ok(StoresNow { now_ms: 0, hold_histories: false, complete_through_ms: 0, are_configured: true })
    }
}

fn engine(timezone: &str) -> Engine {
    let settings = RecordSettings { fresh_ms: i64::MAX, refresh_ahead_ms: 0, stale_ms: i64::MAX, entries: 1_000 };
    let enrichment = Enrichment::new(Records::new(settings), BucketSettings::default(), &[]);
    Engine::new(UserStateSettings::default(), enrichment, Money::new("USD"), timezone, Vec::new(), width())
}

fn payload(id: &str) -> String {
    format!(r#"{{"transaction_id":"{id}","user_id":"U1","timestamp":1767225600000,"amount":1}}"#)
}

#[test]
fn a_panic_is_the_dead_letter_of_its_record() {
    let mut engine = engine("Asia/Kolkata");
    let (first, second) = (payload("T1"), r#"{"type":"login","event_id":"E1","user_id":"U2","timestamp":5}"#);
    let records = [("U1", first.as_str()), ("U2", second)].map(|(key, payload)| Incoming {
        key: Some(key),
        payload: Some(payload.as_bytes()),
        arrived_at_ms: None,
    });
    let (decoded, asked) = start_decoding(&records);
    assert!(asked.is_empty());
    let mut features = Vec::new();
    let learning = engine.learn_batch(&decoded.events, &Nothing, &mut features).unwrap();
    let reason = "unexpected error: the core panicked: no zone Asia/Kolkata".to_owned();
    let expected = Refused { kind: RefusalKind::UnexpectedError, reason };
    assert!(matches!(&learning.outcomes[0], Outcome::Refused(refused) if *refused == expected));
    assert!(matches!(&learning.outcomes[1], Outcome::Learned(Learned::Other)));
    assert!(features.is_empty());
    assert!(!engine.users.contains("U1") && engine.users.contains("U2"));
}

#[test]
fn what_only_python_reads_gets_the_words_of_python() {
    let records = [Incoming { key: Some("U1"), payload: Some(b"["), arrived_at_ms: None }];
    let (mut decoded, asked) = start_decoding(&records);
    let canonical = ask(&asked, &records, &Nothing).unwrap();
    finish_decoding(&mut decoded, &canonical);
    assert_eq!(decoded.events, [Err(Refused { kind: RefusalKind::BadRecord, reason: "record [".into() })]);
}

#[test]
fn a_record_of_another_key_or_of_the_future_is_refused() {
    let payload = payload("T1");
    let arrivals = [("U2", None), ("U1", Some(1_767_225_500_000)), ("U1", Some(1_767_225_599_000))];
    let records = arrivals.map(|(key, arrived_at_ms)| Incoming {
        key: Some(key),
        payload: Some(payload.as_bytes()),
        arrived_at_ms,
    });
    let (mut decoded, _) = start_decoding(&records);
    let admission = Admission { latest_timestamp_ms: None, future_tolerance_ms: 1_000 };
    admit(&mut decoded.events, &records, &admission, &Nothing).unwrap();
    let reasons: Vec<_> =
        decoded.events.iter().map(|event| event.as_ref().err().map(|refused| &*refused.reason)).collect();
    assert_eq!(
        reasons,
        [
            Some("user_id: 'U1' is not the key 'U2' that the record was routed by"),
            Some("timestamp: 1767225600000 lies in the future, 99000 ms past what is accepted"),
            None
        ]
    );
}

#[test]
fn a_user_whose_state_cannot_be_read_can_be_erased() {
    struct Unreadable;
    impl Zones for Unreadable {
        fn offset_ms(&self, _: &str, _: i64) -> Result<i64, String> {
            Ok(0)
        }
    }
    impl Port for Unreadable {
        type Failure = String;
        fn decode(&self, payload: &[u8]) -> Result<Result<Vec<u8>, String>, String> {
            Nothing.decode(payload)
        }
        fn wrong_key(&self, user_id: &str, key: &str) -> Result<String, String> {
            Nothing.wrong_key(user_id, key)
        }
        fn load(&self, places: &[usize]) -> Result<Vec<StoredUser>, String> {
            Ok(places.iter().map(|_| StoredUser { snapshot: Some(vec![0xc1]), log: Vec::new() }).collect())
        }
        fn fetch(&self, keys: &[String]) -> Result<Option<Vec<Record>>, String> {
            Nothing.fetch(keys)
        }
        fn want(&self, keys: &[String]) -> Result<(), String> {
            Nothing.want(keys)
        }
        fn refreshed(&self) -> Result<Vec<(String, Record)>, String> {
            Nothing.refreshed()
        }
        fn stores_now(&self) -> Result<StoresNow, String> {
            Nothing.stores_now()
        }
    }
    let mut engine = engine("UTC");
    let payment = payload("T1");
    let erasure = r#"{"type":"erasure","event_id":"E1","user_id":"U1","timestamp":1767225600000}"#;
    let records = [payment.as_str(), erasure, payment.as_str()].map(|payload| Incoming {
        key: Some("U1"),
        payload: Some(payload.as_bytes()),
        arrived_at_ms: None,
    });
    let (decoded, asked) = start_decoding(&records);
    assert!(asked.is_empty());
    let learning = engine.learn_batch(&decoded.events, &Unreadable, &mut Vec::new()).unwrap();
    assert!(matches!(&learning.outcomes[0], Outcome::Refused(_)));
    assert!(matches!(&learning.outcomes[1], Outcome::Learned(Learned::Erased("U1"))));
    assert!(matches!(&learning.outcomes[2], Outcome::Learned(Learned::Transaction(_))));
    assert_eq!(learning.writes[0], (1, Write::Clear));
}
