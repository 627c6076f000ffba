//! From one event and the user's state to features and to what is to be written of the state.
//!
//! A transaction is looked at and its features are made before anything is learned; on any error in between the user is
//! dropped from the cache, and the event has not happened.

mod answering;
pub mod batch;
pub mod enrichment;

use std::sync::Arc;

use crate::attributes::Attribute;
use crate::block_list::BlockList;
use crate::context::{Context, EnrichmentStatus};
use crate::decision::flags::{AUDIT, Compliance, joined, needs_audit};
use crate::decision::notices::{FlagOfChange, audit_in_words};
use crate::decision::thresholds::DecisionSettings;
use crate::events::{AccountChange, Erasure, Event, Label, Login, Transaction, TransactionKind};
use crate::features::compute_all;
use crate::local_time::{LocalTime, Zones};
use crate::money::{Money, NoAmount};
use crate::observed::Observed;
use crate::profiles::BlockType;
use crate::rules::facts::Facts;
use crate::rules::number::Row;
use crate::rules::population::{POPULATION_NAMES, Population};
use crate::rules::rulebook::{RaisedFlag, Rulebook};
use crate::state::answer::Answer;
use crate::state::arrivals::{Arrival, IdKind};
use crate::state::cache::UserCache;
use crate::state::entries::{
    AccountEntry, EntryNumbers, EntryTexts, FlagEntry, LabelEntry, LogEntry, LoginEntry, TransactionEntry, ZoneEntry,
};
use crate::state::hourly::PastPayments;
use crate::state::recent::Previous;
use crate::state::settings::{AccountSettings, UserStateSettings};
use crate::state::user::{User, Write};
use crate::time_units::DAY_MS;
use enrichment::{Enriched, Enrichment, StoresNow};

const NIGHT_ENDS_HOUR: u32 = 6;
const NIGHT_BEGINS_HOUR: u32 = 23;
const BLOCKED_STATUSES: [&str; 4] = ["blocked", "frozen", "locked", "suspended"];

/// What a status says of the user's verification, if anything.
fn verification(status: &str) -> Option<bool> {
    match status.trim().to_lowercase().as_str() {
        "verified" => Some(true),
        "unverified" => Some(false),
        _ => None,
    }
}

/// Is it before 06:00 or from 23:00 on?
pub fn is_night(local_hour: u32) -> bool {
    !(NIGHT_ENDS_HOUR..NIGHT_BEGINS_HOUR).contains(&local_hour)
}

/// What came of one event.
#[derive(Debug)]
pub enum Learned<'a> {
    /// A transaction, its features made and its state written.
    Transaction(Observed<'a>),
    /// A transaction that was there before: nothing is to be written.
    Duplicate(Duplicate<'a>),
    /// A login, a label, or an account change without flags.
    Other,
    /// An account change with flags, as one by nobody in particular has.
    Flagged { change: &'a AccountChange<'a>, flags: Vec<FlagOfChange> },
    /// The user of this id was forgotten.
    Erased(&'a str),
}

/// A transaction whose id its user has had.
#[derive(Clone, Copy, Debug)]
pub struct Duplicate<'a> {
    pub transaction: &'a Transaction<'a>,
    /// Are its amount, time, kind or parties others than those of the first?
    pub differs: bool,
    /// What was answered to the first.
    pub answer: Answer,
}

/// Why an event was not learned: nothing of it is in the state.
#[derive(Debug, PartialEq, Eq)]
pub enum NotLearned {
    /// Its amount has no value in the base currency.
    Amount(NoAmount),
    /// Something that must not happen; the text says what.
    Unexpected(String),
}

/// The rules in force, which raise flags, and the figures about all users that they may read. `with_facts`: they read facts,
/// or candidates do.
#[derive(Clone, Debug)]
pub struct EarlyRules {
    pub rulebook: Arc<Rulebook>,
    pub population: Arc<Population>,
    pub with_facts: bool,
}

/// Keyed state, stores and money in; features out. One instance an operator.
#[derive(Debug)]
pub struct Engine {
    pub settings: UserStateSettings,
    /// By which flags are raised.
    pub decision: DecisionSettings,
    /// The rules that are asked as soon as features are made: those with flags, or with facts in their conditions.
    pub early_rules: Option<EarlyRules>,
    /// Facts are made even where no rules read them.
    pub tells_facts: bool,
    /// The lengths in hours of the windows that rules read.
    pub past_hours: Vec<u16>,
    pub users: UserCache,
    pub enrichment: Enrichment,
    pub block_list: BlockList,
    pub attributes: Vec<Attribute>,
    money: Money,
    local_time: LocalTime,
    account_settings: AccountSettings,
    width: usize,
}

impl Engine {
    /// `width` is the number of all features, those of the attributes included.
    pub fn new(
        settings: UserStateSettings,
        enrichment: Enrichment,
        money: Money,
        default_timezone: &str,
        attributes: Vec<Attribute>,
        width: usize,
    ) -> Self {
        let account_settings = AccountSettings::new(settings.windows.horizon_ms());
        Self {
            settings,
            decision: DecisionSettings::default(),
            early_rules: None,
            tells_facts: false,
            past_hours: Vec::new(),
            users: UserCache::default(),
            enrichment,
            block_list: BlockList::default(),
            attributes,
            money,
            local_time: LocalTime::new(default_timezone),
            account_settings,
            width,
        }
    }

    /// How many features a transaction has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The payments of a loaded user in windows of these lengths in hours that end with a payment it has learned. Empty for a
    /// user that is not loaded.
    pub fn past_of(&self, user_id: &str, time_ms: i64, lengths: &[u16]) -> Vec<PastPayments> {
        let user = self.users.find_user(user_id);
        user.map_or_else(Vec::new, |user| user.hourly.windows(lengths, time_ms, None, self.money.scale))
    }

    /// Decode a user from its stored state. Raises a text for a state that cannot be read.
    pub fn load(&mut self, user_id: &str, snapshot: Option<&[u8]>, log: &[&[u8]]) -> Result<(), String> {
        let user = User::load(snapshot, log, &self.settings, &self.account_settings)
            .map_err(|malformed| format!("the state of the user cannot be read: {malformed}"))?;
        self.users.put(user_id, user);
        Ok(())
    }

    /// Learn one event of a user that is loaded; `features` gets a transaction's row, of `width()` values.
    pub fn learn<'a>(
        &mut self,
        event: &'a Event<'a>,
        place: usize,
        stores: &StoresNow,
        zones: &dyn Zones,
        features: &mut [f64],
        writes: &mut Vec<Write>,
    ) -> Result<Learned<'a>, NotLearned> {
        match event {
            Event::Transaction(transaction) => {
                self.learn_transaction(transaction, place, stores, zones, features, writes)
            }
            Event::Login(login) => self.learn_login(login, writes),
            Event::AccountChange(change) => self.learn_change(change, writes),
            Event::Label(label) => self.learn_label(label, writes),
            Event::Erasure(erasure) => Ok(self.erase(erasure, writes)),
        }
    }

    fn learn_transaction<'a>(
        &mut self,
        transaction: &'a Transaction<'a>,
        place: usize,
        stores: &StoresNow,
        zones: &dyn Zones,
        features: &mut [f64],
        writes: &mut Vec<Write>,
    ) -> Result<Learned<'a>, NotLearned> {
        let settings = &self.settings;
        let horizon_ms = settings.windows.horizon_ms();
        let user = loaded(&mut self.users, &transaction.user_id)?;
        let time_ms = transaction.timestamp;
        if user.has_seen(IdKind::Transaction, &transaction.transaction_id, time_ms, horizon_ms) {
            let (differs, answer) = self.compared_with_first(transaction);
            return Ok(Learned::Duplicate(Duplicate { transaction, differs, answer }));
        }
        let enriched = self.enrichment.look_up(transaction, stores);
        let minor = self
            .money
            .base_minor(transaction.amount, transaction.currency.as_deref(), time_ms)
            .map_err(NotLearned::Amount)?;
        let timezone = match &enriched.user {
            Some(profile) => profile.timezone.clone(),
            // The last one that was known while the store does not answer: what is learned stays exact.
            None if enriched.status == EnrichmentStatus::Degraded => user.timezone.clone(),
            None => None,
        };
        let (local_hour, local_weekday) =
            self.local_time.hour_and_weekday(time_ms, timezone.as_ref(), zones).map_err(NotLearned::Unexpected)?;
        let newest_ms = user.newest_ms.max(time_ms);
        let numbers = EntryNumbers {
            sequence: user.sequence + 1,
            timestamp_ms: time_ms,
            remembered_ms: newest_ms,
            minor,
            latitude: transaction.latitude,
            longitude: transaction.longitude,
            late: newest_ms - time_ms > settings.windows.lateness_ms,
            refund: transaction.kind != TransactionKind::Purchase,
            declined: transaction.auth_result == Some(crate::events::AuthorizationResult::Declined),
            night: is_night(local_hour),
        };
        let entry = TransactionEntry::new(&transaction.transaction_id, numbers, texts_of(transaction), &mut user.texts);
        let blocked = self.block_list.hits(transaction);
        let scale = self.money.scale;
        let amount = minor as f64 / scale as f64;
        let previous = user.recent.last_before(time_ms, newest_ms - horizon_ms, &user.arrivals);
        let days = if numbers.late { None } else { Some(user.habits.days_until(time_ms.div_euclid(DAY_MS))) };
        let number = user.arrive(entry);
        let limited_history = user.is_limited(settings);
        let known = Known { enriched: &enriched, minor, scale, amount, local_hour, local_weekday, days, previous };
        let Some(context) = context_of(transaction, user, number, &known, settings, &self.attributes, &blocked) else {
            return Err(NotLearned::Unexpected("the transaction was not kept".into()));
        };
        features.fill(f64::NAN);
        compute_all(&context, features);
        let verified = user.account.verified(time_ms);
        let compliance = Compliance {
            settings: &self.decision,
            amount,
            user: enriched.user.as_deref(),
            verified,
            ip: enriched.ip.as_deref(),
            blocked: &blocked,
        };
        let mut kinds = compliance.kinds();
        let past = if self.past_hours.is_empty() {
            Vec::new()
        } else {
            user.hourly.windows(&self.past_hours, time_ms, Some(minor), scale)
        };
        let (facts, by_rules) = match &self.early_rules {
            Some(rules) => rules.facts_and_flags(&context, features, verified, &blocked, past),
            None if self.tells_facts => (Facts { past, ..Facts::of_payment(&context, verified, &blocked) }, Vec::new()),
            None => (Facts { past, ..Facts::UNKNOWN }, Vec::new()),
        };
        if let Some(rules) = &self.early_rules {
            kinds.retain(|kind| !rules.rulebook.decides_on(kind));
            kinds = joined(&kinds, &by_rules);
        }
        writes.extend(user.commit_transaction(number, settings));
        if timezone != user.timezone {
            let zone = LogEntry::Zone(ZoneEntry { sequence: user.sequence + 1, timezone });
            writes.extend(user.commit(zone, settings, &self.account_settings));
        }
        let untold = self.tell_flags(&transaction.user_id, &kinds, time_ms, writes)?;
        Ok(Learned::Transaction(Observed {
            transaction,
            place,
            amount,
            late: numbers.late,
            stale_history: enriched.stale_history,
            limited_history,
            status: enriched.status,
            user: enriched.user,
            verified,
            ip: enriched.ip,
            blocked,
            untold,
            facts,
            by_rules,
        }))
    }

    /// Does a repeated transaction say something else than the first of its id, and what was answered to that? Only what
    /// the state keeps is compared.
    fn compared_with_first(&mut self, transaction: &Transaction) -> (bool, Answer) {
        let nothing = (false, Answer::default());
        let Some(user) = self.users.get_mut(&transaction.user_id) else { return nothing };
        let first = user.arrivals.find(IdKind::Transaction, &transaction.transaction_id);
        let Some(Arrival::Transaction(first)) = first else { return nothing };
        let time_ms = transaction.timestamp;
        let minor = self.money.base_minor(transaction.amount, transaction.currency.as_deref(), time_ms).ok();
        let words = texts_of(transaction);
        let same = |symbol, text: Option<&str>| user.texts.text_of(symbol) == text;
        let is_same = first.timestamp_ms == time_ms
            && Some(first.minor) == minor
            && first.refund == (transaction.kind != TransactionKind::Purchase)
            && same(first.merchant, words.merchant_id)
            && same(first.device, words.device_id)
            && same(first.country, words.country)
            && same(first.beneficiary, words.beneficiary_id);
        (!is_same, first.answer)
    }

    fn learn_login<'a>(&mut self, login: &Login, writes: &mut Vec<Write>) -> Result<Learned<'a>, NotLearned> {
        let horizon_ms = self.settings.windows.horizon_ms();
        let user = loaded(&mut self.users, &login.user_id)?;
        if !user.has_seen(IdKind::Login, &login.event_id, login.timestamp, horizon_ms) {
            let entry = LoginEntry {
                sequence: user.sequence + 1,
                event_id: (&*login.event_id).into(),
                timestamp_ms: login.timestamp,
                remembered_ms: user.newest_ms.max(login.timestamp),
                success: login.success,
                device_id: login.device_id.as_deref().map(Into::into),
                city: login.city.as_deref().map(Into::into),
            };
            writes.extend(user.commit(LogEntry::Login(Arc::new(entry)), &self.settings, &self.account_settings));
        }
        Ok(Learned::Other)
    }

    fn learn_change<'a>(
        &mut self,
        change: &'a AccountChange<'a>,
        writes: &mut Vec<Write>,
    ) -> Result<Learned<'a>, NotLearned> {
        let horizon_ms = self.settings.windows.horizon_ms();
        let user = loaded(&mut self.users, &change.user_id)?;
        if user.has_seen(IdKind::Account, &change.event_id, change.timestamp, horizon_ms) {
            return Ok(Learned::Other);
        }
        let is_blocked = |status: &str| BLOCKED_STATUSES.contains(&status.to_lowercase().as_str());
        let was_blocked = change.old_status.as_deref().is_some_and(is_blocked);
        let entry = AccountEntry {
            sequence: user.sequence + 1,
            event_id: (&*change.event_id).into(),
            timestamp_ms: change.timestamp,
            remembered_ms: user.newest_ms.max(change.timestamp),
            unblocked: was_blocked && change.new_status.as_deref().is_some_and(|status| !is_blocked(status)),
            verified: change.new_status.as_deref().and_then(verification),
        };
        writes.extend(user.commit(LogEntry::Account(Arc::new(entry)), &self.settings, &self.account_settings));
        let mut flags = self.early_rules.as_ref().map_or_else(Vec::new, |rules| rules.flags_of_change(change));
        let is_ruled = self.early_rules.as_ref().is_some_and(|rules| rules.rulebook.decides_on(AUDIT));
        if !is_ruled && needs_audit(change.audit_user.as_deref()) {
            flags.push(FlagOfChange { kind: AUDIT, words: audit_in_words(change), is_untold: false });
        }
        if flags.is_empty() {
            return Ok(Learned::Other);
        }
        let kinds: Vec<_> = flags.iter().map(|flag| flag.kind).collect();
        let untold = self.tell_flags(&change.user_id, &kinds, change.timestamp, writes)?;
        flags.iter_mut().for_each(|flag| flag.is_untold = untold.contains(&flag.kind));
        Ok(Learned::Flagged { change, flags })
    }

    fn learn_label<'a>(&mut self, label: &Label, writes: &mut Vec<Write>) -> Result<Learned<'a>, NotLearned> {
        let user = loaded(&mut self.users, &label.user_id)?;
        let entry = LabelEntry {
            sequence: user.sequence + 1,
            transaction_id: (&*label.transaction_id).into(),
            known_at_ms: label.known_at,
            is_fraud: label.is_fraud,
        };
        writes.extend(user.commit(LogEntry::Label(entry), &self.settings, &self.account_settings));
        Ok(Learned::Other)
    }

    /// Forget the user: what comes later is of a new one. The state need not be loaded.
    fn erase<'a>(&mut self, erasure: &'a Erasure<'a>, writes: &mut Vec<Write>) -> Learned<'a> {
        self.users.put(&erasure.user_id, User::default());
        writes.push(Write::Clear);
        Learned::Erased(&erasure.user_id)
    }

    /// Those of the flags that are to be told, as the user has not had them on that day; the state learns them.
    fn tell_flags(
        &mut self,
        user_id: &str,
        kinds: &[&'static str],
        time_ms: i64,
        writes: &mut Vec<Write>,
    ) -> Result<Vec<&'static str>, NotLearned> {
        if self.decision.flag_alerts || kinds.is_empty() {
            return Ok(Vec::new());
        }
        let user = loaded(&mut self.users, user_id)?;
        let day = time_ms.div_euclid(DAY_MS);
        let untold: Vec<_> = kinds.iter().copied().filter(|kind| !user.flag_days.was_told(kind, day)).collect();
        if !untold.is_empty() {
            let kinds = untold.iter().map(|kind| (*kind).into()).collect();
            let entry = LogEntry::Flags(FlagEntry { sequence: user.sequence + 1, day, kinds });
            writes.extend(user.commit(entry, &self.settings, &self.account_settings));
        }
        Ok(untold)
    }
}

impl EarlyRules {
    /// What rules know of a payment beside its features, and the flags that they raise.
    fn facts_and_flags(
        &self,
        context: &Context,
        features: &[f64],
        verified: Option<bool>,
        blocked: &[crate::profiles::BlockEntry],
        past: Vec<PastPayments>,
    ) -> (Facts, Vec<RaisedFlag>) {
        let facts = if self.with_facts { Facts::of_payment(context, verified, blocked) } else { Facts::UNKNOWN };
        let facts = Facts { past, ..facts };
        let transaction = context.transaction;
        let figures = self.population.figures(transaction.timestamp, transaction.city.as_deref());
        let flags = self.rulebook.flags(&Row { features, transaction, population: &figures, facts: &facts });
        (facts, flags)
    }

    /// The flags that the rules raise for a change of an account, with their words.
    fn flags_of_change(&self, change: &AccountChange) -> Vec<FlagOfChange> {
        let facts = Facts::of_change(change);
        let transaction = Transaction::new("".into(), (&*change.user_id).into(), change.timestamp, f64::NAN);
        let population = &[f64::NAN; POPULATION_NAMES.len()];
        let row = Row { features: &[], transaction: &transaction, population, facts: &facts };
        let flag = |raised: &RaisedFlag| FlagOfChange {
            kind: raised.kind,
            words: self.rulebook.reason(raised.place, &row),
            is_untold: false,
        };
        self.rulebook.flags_of_change(&row).iter().map(flag).collect()
    }
}

fn loaded<'u>(users: &'u mut UserCache, user_id: &str) -> Result<&'u mut User, NotLearned> {
    users.get_mut(user_id).ok_or_else(|| NotLearned::Unexpected("the state of the user is not loaded".into()))
}

fn texts_of<'t>(transaction: &'t Transaction<'_>) -> EntryTexts<'t> {
    EntryTexts {
        merchant_id: transaction.merchant_id.as_deref(),
        category: transaction.merchant_category.as_deref(),
        device_id: transaction.device_id.as_deref(),
        country: transaction.place_country(),
        city: transaction.city.as_deref(),
        ip_address: transaction.ip_address.as_deref(),
        beneficiary_id: transaction.beneficiary_id.as_deref(),
    }
}

/// What was found out of a transaction before its context is put together.
struct Known<'k> {
    enriched: &'k Enriched,
    minor: u64,
    scale: i64,
    amount: f64,
    local_hour: u32,
    local_weekday: u32,
    days: Option<(crate::state::sums::Sums, crate::state::sums::Sums)>,
    previous: Previous,
}

fn context_of<'c>(
    transaction: &'c Transaction<'c>,
    user: &'c User,
    number: crate::state::arrivals::Number,
    known: &Known<'c>,
    settings: &'c UserStateSettings,
    attributes: &'c [Attribute],
    blocked: &[crate::profiles::BlockEntry],
) -> Option<Context<'c>> {
    let entry = user.arrivals.transaction(number)?;
    let enriched = known.enriched;
    let recent = user.recent_transactions(settings);
    Some(Context {
        transaction,
        entry,
        time_ms: transaction.timestamp,
        minor: known.minor,
        scale: known.scale,
        amount: known.amount,
        local_hour: known.local_hour,
        local_weekday: known.local_weekday,
        recent,
        windows: if entry.late { None } else { Some(recent.windows_ending_at(transaction.timestamp)) },
        previous: user.recent.entry_of(known.previous, &user.arrivals),
        habits: &user.habits,
        week: known.days.map(|days| days.0),
        month: known.days.map(|days| days.1),
        account: &user.account,
        texts: &user.texts,
        user: enriched.user.as_deref(),
        merchant: enriched.merchant.as_deref(),
        device: enriched.device.as_deref(),
        ip: enriched.ip.as_deref(),
        domain: enriched.domain.as_deref(),
        merchant_risk: enriched.merchant_risk,
        device_risk: enriched.device_risk,
        beneficiary_risk: enriched.beneficiary_risk,
        ip_risk: enriched.ip_risk,
        received: enriched.received,
        categories: enriched.categories,
        attributes,
        attribute_figures: &enriched.attribute_figures,
        stale_history: enriched.stale_history,
        device_listed: blocked.iter().any(|hit| hit.kind == BlockType::Device),
        status: enriched.status,
    })
}
