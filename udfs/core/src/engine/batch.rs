//! Many records at once: one look-up of users and of the stores' records for all of them, then one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hashbrown::HashSet;

use crate::attributes::AttributeHolder;
use crate::codec::{Refusal, decode, decode_canonical};
use crate::engine::enrichment::StoresNow;
use crate::engine::{Engine, Learned, NotLearned};
use crate::entities::history::EntityHistory;
use crate::events::{Event, Transaction};
use crate::local_time::Zones;
use crate::money::NoAmount;
use crate::prefetch;
use crate::python_text::ascii_repr;
use crate::records::{Freshness, KeyKind, Record};
use crate::state::user::Write;

/// One record as it came: the key it was routed by, its bytes (`None` for a tombstone), and when it arrived, in epoch
/// milliseconds. Key and arrival are `None` where they are not known.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    pub key: Option<&'a str>,
    pub payload: Option<&'a [u8]>,
    pub arrived_at_ms: Option<i64>,
}

/// What lies in the future is no event: it would make all that follow late.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Of records without arrival: the latest event time, epoch milliseconds.
    pub latest_timestamp_ms: Option<i64>,
    /// Of the others: how far ahead of its arrival an event may be, milliseconds.
    pub future_tolerance_ms: i64,
}

/// What kind of dead letter a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    BadRecord,
    MissingRate,
    AmountOutOfRange,
    UnexpectedError,
}

impl RefusalKind {
    /// As metrics write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRecord => "bad_record",
            Self::MissingRate => "missing_rate",
            Self::AmountOutOfRange => "amount_out_of_range",
            Self::UnexpectedError => "unexpected_error",
        }
    }
}

/// Why a record is a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub kind: RefusalKind,
    pub reason: String,
}

impl Refused {
    fn bad(reason: String) -> Self {
        Self { kind: RefusalKind::BadRecord, reason }
    }
}

/// A user's stored state.
#[derive(Clone, Debug, Default)]
pub struct StoredUser {
    pub snapshot: Option<Vec<u8>>,
    pub log: Vec<Vec<u8>>,
}

/// So many records before an event is learned the memory of its user and parties is asked for …
const READ_AHEAD: usize = 4;
/// … and so many before it that of the lists which these refer to.
const LISTS_AHEAD: usize = 2;

/// What a batch needs from outside. A failure ends the batch, and the job with it.
pub trait Port: Zones {
    type Failure;

    /// What the codec in Python makes of a record: the event in its canonical form, or why it is none.
    fn decode(&self, payload: &[u8]) -> Result<Result<Vec<u8>, String>, Self::Failure>;

    /// What Python says of an event whose key is another one's.
    fn wrong_key(&self, user_id: &str, key: &str) -> Result<String, Self::Failure>;

    /// The stored states of the users of these places.
    fn load(&self, places: &[usize]) -> Result<Vec<StoredUser>, Self::Failure>;

    /// The records of these keys, in their order; `None` where the stores do not answer.
    fn fetch(&self, keys: &[String]) -> Result<Option<Vec<Record>>, Self::Failure>;

    /// Read these again in the background.
    fn want(&self, keys: &[String]) -> Result<(), Self::Failure>;

    /// What was read in the background since the last time.
    fn refreshed(&self) -> Result<Vec<(String, Record)>, Self::Failure>;

    /// What is true of the stores from now on.
    fn stores_now(&self) -> Result<StoresNow, Self::Failure>;
}

/// What came of one record.
#[derive(Debug)]
pub enum Outcome<'a> {
    Learned(Learned<'a>),
    Refused(Refused),
}

/// What came of a batch.
#[derive(Debug)]
pub struct Learning<'a> {
    /// Of each record.
    pub outcomes: Vec<Outcome<'a>>,
    /// What is to be written to the users' states, in order, each with its record's place.
    pub writes: Vec<(usize, Write)>,
    /// How many users were not in memory.
    pub misses: usize,
}

/// The events of a batch, where the records are some, and by field what is to be counted (`codes::Told`).
#[derive(Debug)]
pub struct Decoded<'a> {
    pub events: Vec<Result<Event<'a>, Refused>>,
    pub unknown_codes: Vec<(&'static str, String)>,
}

/// Places that Python has to decode, and what it made of them.
pub type Canonical = Vec<(usize, Result<Vec<u8>, String>)>;

/// Decode records; those that only Python can read are left for `finish_decoding`.
pub fn start_decoding<'a>(records: &[Incoming<'a>]) -> (Decoded<'a>, Vec<usize>) {
    let mut decoded = Decoded { events: Vec::with_capacity(records.len()), unknown_codes: Vec::new() };
    let mut asked = Vec::new();
    for (place, record) in records.iter().enumerate() {
        let told = decoded.unknown_codes.len();
        let event = decode(record.payload.unwrap_or_default(), &mut |field, text| {
            decoded.unknown_codes.push((field, text.into()));
        });
        decoded.events.push(event.map_err(|refusal| match refusal {
            Refusal::Bad(reason) => Refused::bad(reason),
            Refusal::AskPython => {
                // Python counts the codes of the records that it reads.
                decoded.unknown_codes.truncate(told);
                asked.push(place);
                Refused::bad(String::new())
            }
        }));
    }
    (decoded, asked)
}

/// Leave all records to Python: where they are not events as the contract writes them.
pub fn leave_decoding<'a>(records: &[Incoming<'_>]) -> (Decoded<'a>, Vec<usize>) {
    let events = records.iter().map(|_| Err(Refused::bad(String::new()))).collect();
    (Decoded { events, unknown_codes: Vec::new() }, (0..records.len()).collect())
}

/// Ask Python for what it alone can read.
pub fn ask<P: Port>(places: &[usize], records: &[Incoming<'_>], port: &P) -> Result<Canonical, P::Failure> {
    let payload_of = |place: usize| records.get(place).and_then(|record| record.payload).unwrap_or_default();
    places.iter().map(|place| Ok((*place, port.decode(payload_of(*place))?))).collect()
}

/// Take in what Python has read.
pub fn finish_decoding<'a>(decoded: &mut Decoded<'a>, canonical: &'a Canonical) {
    for (place, answer) in canonical {
        decoded.events[*place] = match answer {
            Ok(bytes) => decode_canonical(bytes).map_err(|_| Refused {
                kind: RefusalKind::UnexpectedError,
                reason: "unexpected error: the canonical form of the record cannot be read".into(),
            }),
            Err(reason) => Err(Refused::bad(reason.clone())),
        };
    }
}

/// Refuse what is not routed by its user, and what lies in the future.
pub fn admit<P: Port>(
    events: &mut [Result<Event<'_>, Refused>],
    records: &[Incoming],
    admission: &Admission,
    port: &P,
) -> Result<(), P::Failure> {
    for (event, record) in events.iter_mut().zip(records) {
        let Ok(known) = event else { continue };
        if let Some(key) = record.key.filter(|key| *key != known.user_id()) {
            let reason = match (ascii_repr(known.user_id(), usize::MAX), ascii_repr(key, usize::MAX)) {
                (Some(user), Some(key)) => {
                    format!("user_id: {user} is not the key {key} that the record was routed by")
                }
                _ => port.wrong_key(known.user_id(), key)?,
            };
            *event = Err(Refused::bad(reason));
            continue;
        }
        let latest_ms = match record.arrived_at_ms {
            Some(arrived_at_ms) => Some(arrived_at_ms.saturating_add(admission.future_tolerance_ms)),
            None => admission.latest_timestamp_ms,
        };
        let time_ms = known.arrival_ms();
        if let Some(latest_ms) = latest_ms.filter(|latest_ms| time_ms > *latest_ms) {
            let past_ms = time_ms - latest_ms;
            *event = Err(Refused::bad(format!(
                "timestamp: {time_ms} lies in the future, {past_ms} ms past what is accepted"
            )));
        }
    }
    Ok(())
}

impl Engine {
    /// Learn the events of a batch, one after the other. `features` gets a row for each transaction that was learned.
    pub fn learn_batch<'a, P: Port>(
        &mut self,
        events: &'a [Result<Event<'a>, Refused>],
        port: &P,
        features: &mut Vec<f64>,
    ) -> Result<Learning<'a>, P::Failure> {
        features.clear();
        let (misses, mut unloaded) = self.load_users(events, port)?;
        let stores = self.read_ahead(events, port)?;
        let mut learning = Learning { outcomes: Vec::with_capacity(events.len()), writes: Vec::new(), misses };
        let mut writes = Vec::new();
        events.iter().take(READ_AHEAD).for_each(|event| self.prefetch_parties(event));
        events.iter().take(LISTS_AHEAD).for_each(|event| self.prefetch_lists(event));
        for (place, event) in events.iter().enumerate() {
            events.get(place + READ_AHEAD).into_iter().for_each(|event| self.prefetch_parties(event));
            events.get(place + LISTS_AHEAD).into_iter().for_each(|event| self.prefetch_lists(event));
            let outcome = match event {
                Err(refused) => Outcome::Refused(refused.clone()),
                Ok(event) => {
                    if matches!(event, Event::Erasure(_)) {
                        unloaded.retain(|(user_id, _)| *user_id != event.user_id());
                    }
                    let why_unloaded = unloaded.iter().find(|(user_id, _)| *user_id == event.user_id());
                    match why_unloaded {
                        Some((_, reason)) => Outcome::Refused(unexpected(reason)),
                        None => self.learn_one(event, place, &stores, port, features, &mut writes),
                    }
                }
            };
            learning.writes.extend(writes.drain(..).map(|write| (place, write)));
            learning.outcomes.push(outcome);
        }
        events.iter().flatten().for_each(|event| self.users.measure(event.user_id()));
        self.users.shrink_to(self.settings.cache_bytes);
        self.enrichment.records.trim();
        Ok(learning)
    }

    /// Ask for the memory of what an event is about.
    fn prefetch_parties(&self, event: &Result<Event<'_>, Refused>) {
        let Ok(event) = event else { return };
        if let Some(user) = self.users.find_user(event.user_id()) {
            prefetch::value(user);
        }
        if let Event::Transaction(transaction) = event {
            self.enrichment.histories_of(transaction, prefetch::value);
        }
    }

    /// The same of what that refers to.
    fn prefetch_lists(&self, event: &Result<Event<'_>, Refused>) {
        let Ok(event) = event else { return };
        if let Some(user) = self.users.find_user(event.user_id()) {
            user.prefetch();
        }
        if let Event::Transaction(transaction) = event {
            self.enrichment.histories_of(transaction, EntityHistory::prefetch);
        }
    }

    /// One event; whatever goes wrong is its own dead letter.
    fn learn_one<'a>(
        &mut self,
        event: &'a Event<'a>,
        place: usize,
        stores: &StoresNow,
        zones: &dyn Zones,
        features: &mut Vec<f64>,
        writes: &mut Vec<Write>,
    ) -> Outcome<'a> {
        let before = features.len();
        let width = self.width();
        if matches!(event, Event::Transaction(_)) {
            features.resize(before + width, f64::NAN);
        }
        // What the panic left half done is the user, which is dropped, and the row, which is cut off.
        let learned =
            catch_unwind(AssertUnwindSafe(|| self.learn(event, place, stores, zones, &mut features[before..], writes)));
        let learned = learned.unwrap_or_else(|panic| Err(NotLearned::Unexpected(words_of(&*panic))));
        if !matches!(learned, Ok(Learned::Transaction(_))) {
            features.truncate(before);
        }
        match learned {
            Ok(learned) => Outcome::Learned(learned),
            Err(NotLearned::Amount(NoAmount::MissingRate(reason))) => {
                Outcome::Refused(Refused { kind: RefusalKind::MissingRate, reason })
            }
            Err(NotLearned::Amount(NoAmount::OutOfRange(reason))) => {
                Outcome::Refused(Refused { kind: RefusalKind::AmountOutOfRange, reason })
            }
            Err(NotLearned::Unexpected(reason)) => {
                writes.clear();
                self.users.evict(event.user_id());
                Outcome::Refused(unexpected(&reason))
            }
        }
    }

    /// Decode the users that are not in memory: how many, and those whose state cannot be read, with why.
    fn load_users<'a, P: Port>(
        &mut self,
        events: &'a [Result<Event<'a>, Refused>],
        port: &P,
    ) -> Result<(usize, Unloaded<'a>), P::Failure> {
        let mut missing: HashSet<&str> = HashSet::new();
        let mut places = Vec::new();
        for (place, event) in events.iter().enumerate() {
            let Ok(event) = event else { continue };
            if !self.users.contains(event.user_id()) && missing.insert(event.user_id()) {
                places.push(place);
            }
        }
        if places.is_empty() {
            return Ok((0, Vec::new()));
        }
        let mut unloaded = Vec::new();
        let stored = port.load(&places)?;
        for (place, stored) in places.iter().zip(&stored) {
            let Ok(event) = &events[*place] else { continue };
            let log: Vec<&[u8]> = stored.log.iter().map(Vec::as_slice).collect();
            let loaded =
                catch_unwind(AssertUnwindSafe(|| self.load(event.user_id(), stored.snapshot.as_deref(), &log)));
            if let Err(reason) = loaded.unwrap_or_else(|panic| Err(words_of(&*panic))) {
                unloaded.push((event.user_id(), reason));
            }
        }
        Ok((places.len(), unloaded))
    }

    /// Ask the stores at once for what the batch's transactions will ask for.
    fn read_ahead<P: Port>(
        &mut self,
        events: &[Result<Event<'_>, Refused>],
        port: &P,
    ) -> Result<StoresNow, P::Failure> {
        let mut stores = port.stores_now()?;
        for (key, record) in port.refreshed()? {
            if let Some((kind, id)) = KeyKind::of(&key) {
                self.enrichment.records.put(kind, id, record, stores.now_ms);
            }
        }
        let transactions = || events.iter().flatten().filter_map(as_transaction);
        let Some(newest_ms) = transactions().map(|transaction| transaction.timestamp).max() else { return Ok(stores) };
        self.enrichment.go_to(newest_ms);
        let mut keys = Keys::default();
        for transaction in transactions() {
            self.enrichment
                .look_ahead(transaction, stores.now_ms, &mut |freshness, kind, id| keys.add(freshness, kind, id));
        }
        let mut has_fetched = self.fetch(&keys, &stores, port)?;
        if self.enrichment.reads_profile_attributes() {
            let mut more = Keys::default();
            for transaction in transactions() {
                let holder = AttributeHolder::Profile;
                let mut tell = |freshness, kind: KeyKind, id: &str| more.add(freshness, kind, id);
                self.enrichment.look_ahead_attributes(transaction, stores.now_ms, holder, &mut tell);
            }
            has_fetched |= self.fetch(&more, &stores, port)?;
            keys.wanted.append(&mut more.wanted);
        }
        if !keys.wanted.is_empty() {
            port.want(&keys.wanted)?;
        }
        if has_fetched {
            // Fetching may have told how far histories are complete; the moment stays that of the batch.
            stores = StoresNow { now_ms: stores.now_ms, ..port.stores_now()? };
        }
        Ok(stores)
    }

    fn fetch<P: Port>(&mut self, keys: &Keys, stores: &StoresNow, port: &P) -> Result<bool, P::Failure> {
        if keys.missing.is_empty() {
            return Ok(false);
        }
        let Some(found) = port.fetch(&keys.missing)? else { return Ok(false) };
        for (key, record) in keys.missing.iter().zip(found) {
            if let Some((kind, id)) = KeyKind::of(key) {
                self.enrichment.records.put(kind, id, record, stores.now_ms);
            }
        }
        Ok(true)
    }
}

/// Users whose stored state cannot be read, with why.
type Unloaded<'a> = Vec<(&'a str, String)>;

/// Keys of a batch, each once.
#[derive(Debug, Default)]
struct Keys {
    missing: Vec<String>,
    wanted: Vec<String>,
    known: HashSet<String>,
}

impl Keys {
    fn add(&mut self, freshness: Freshness, kind: KeyKind, id: &str) {
        let key = kind.key(id);
        if freshness == Freshness::Wanted {
            self.wanted.push(key);
        } else if self.known.insert(key.clone()) {
            self.missing.push(key);
        }
    }
}

fn as_transaction<'e>(event: &'e Event<'_>) -> Option<&'e Transaction<'e>> {
    match event {
        Event::Transaction(transaction) => Some(transaction),
        _ => None,
    }
}

fn unexpected(reason: &str) -> Refused {
    Refused { kind: RefusalKind::UnexpectedError, reason: format!("unexpected error: {reason}") }
}

/// What a panic said.
pub fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("the core panicked: {}", words.unwrap_or("without words"))
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
