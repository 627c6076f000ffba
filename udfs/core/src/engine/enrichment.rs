//! Everything that the stores know of a transaction's parties, in one look-up.

use std::sync::Arc;

use crate::attributes::{Attribute, AttributeHolder, AttributeKind};
use crate::context::EnrichmentStatus;
use crate::entities::broad::{BroadFigures, BroadRisks};
use crate::entities::buckets::BucketSettings;
use crate::entities::history::EntityHistory;
use crate::entities::kinds::EntityKind;
use crate::entities::names::category_id;
use crate::entities::risk::EntityRisk;
use crate::events::Transaction;
use crate::profiles::{DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile};
use crate::records::{Freshness, KeyKind, Record, Records};

const CATEGORIES: usize = EntityKind::CATEGORIES.len();

/// What is true of the stores at the moment of a batch.
#[derive(Clone, Copy, Debug)]
pub struct StoresNow {
    /// A clock that never goes back, milliseconds.
    pub now_ms: i64,
    /// Are entities without a record known to have none, as of `complete_through_ms`?
    pub hold_histories: bool,
    pub complete_through_ms: i64,
    /// Is there any store, reference file or history at all?
    pub are_configured: bool,
}

/// What is known of a transaction's parties.
#[derive(Clone, Debug)]
pub struct Enriched {
    pub user: Option<Arc<UserProfile>>,
    pub merchant: Option<Arc<MerchantProfile>>,
    pub device: Option<Arc<DeviceProfile>>,
    pub ip: Option<Arc<IpFeed>>,
    pub domain: Option<Arc<DomainFeed>>,
    pub received: Option<EntityRisk>,
    pub merchant_risk: Option<EntityRisk>,
    pub device_risk: Option<EntityRisk>,
    pub beneficiary_risk: Option<EntityRisk>,
    pub ip_risk: Option<EntityRisk>,
    pub categories: [Option<BroadFigures>; CATEGORIES],
    pub attribute_figures: Vec<Option<BroadFigures>>,
    pub stale_history: bool,
    pub status: EnrichmentStatus,
}

/// What was read of an entity's history before it is known how good the whole answer is.
#[derive(Clone, Copy, Debug)]
enum Read {
    /// The transaction does not name such an entity.
    NotNamed,
    /// There is no record.
    Absent,
    Found(EntityRisk),
    /// Final figures of this hour.
    Kept(BroadFigures),
}

/// The stores' records, and what is kept of them for the hour.
#[derive(Debug)]
pub struct Enrichment {
    pub records: Records,
    broad: BroadRisks,
    buckets: BucketSettings,
    attributes: Arc<[Attribute]>,
    without_history: Vec<EntityHistory>,
    ids: [String; CATEGORIES],
}

impl Enrichment {
    /// Only text attributes have a history.
    pub fn new(records: Records, buckets: BucketSettings, attributes: &[Attribute]) -> Self {
        let texts = attributes.iter().filter(|attribute| attribute.kind == AttributeKind::Text);
        Self {
            records,
            broad: BroadRisks::default(),
            buckets,
            attributes: texts.cloned().collect(),
            without_history: EntityKind::ALL.into_iter().map(EntityHistory::empty).collect(),
            ids: Default::default(),
        }
    }

    /// Before a batch: go to the hour of its newest transaction, so that what is kept of it stays for all of them.
    pub fn go_to(&mut self, time_ms: i64) {
        self.broad.is_at(time_ms, &self.buckets);
    }

    /// The keys of what is not known of a transaction; `missing` and `wanted` are told each.
    pub fn look_ahead(
        &mut self,
        transaction: &Transaction,
        now_ms: i64,
        tell: &mut impl FnMut(Freshness, KeyKind, &str),
    ) {
        let records = &mut self.records;
        let mut touch = |kind: KeyKind, id: &str| match records.touch(kind, id, now_ms) {
            Freshness::Fresh => {}
            freshness => tell(freshness, kind, id),
        };
        touch(KeyKind::User, &transaction.user_id);
        touch(KeyKind::History(EntityKind::Beneficiary), &transaction.user_id);
        if let Some(id) = &transaction.merchant_id {
            touch(KeyKind::Merchant, id);
            touch(KeyKind::History(EntityKind::Merchant), id);
        }
        if let Some(id) = &transaction.device_id {
            touch(KeyKind::Device, id);
            touch(KeyKind::History(EntityKind::Device), id);
        }
        if let Some(id) = &transaction.beneficiary_id {
            touch(KeyKind::History(EntityKind::Beneficiary), id);
        }
        if let Some(id) = &transaction.ip_address {
            touch(KeyKind::Ip, id);
            touch(KeyKind::History(EntityKind::Ip), id);
        }
        if let Some(id) = &transaction.email_domain {
            touch(KeyKind::Domain, id);
        }
        let is_kept = self.broad.is_at(transaction.timestamp, &self.buckets);
        for (kind, id) in EntityKind::CATEGORIES.into_iter().zip(&mut self.ids) {
            if category_id(kind, transaction, id) && !(is_kept && self.broad.get(kind, id).is_some()) {
                touch(KeyKind::History(kind), id);
            }
        }
        self.look_ahead_attributes(transaction, now_ms, AttributeHolder::Event, tell);
    }

    /// The same of the attributes that stand in the event, or in the profile: of the latter once profiles are there.
    pub fn look_ahead_attributes(
        &mut self,
        transaction: &Transaction,
        now_ms: i64,
        holder: AttributeHolder,
        tell: &mut impl FnMut(Freshness, KeyKind, &str),
    ) {
        if !self.attributes.iter().any(|attribute| attribute.holder == holder) {
            return;
        }
        let is_kept = self.broad.is_at(transaction.timestamp, &self.buckets);
        let profile = self.profile_of(transaction, now_ms, &mut EnrichmentStatus::Ok);
        let attributes = self.attributes.clone();
        for attribute in attributes.iter().filter(|attribute| attribute.holder == holder) {
            let Some(id) = attribute_id(attribute, transaction, profile.as_deref()) else { continue };
            if is_kept && self.broad.get(EntityKind::Attribute, &id).is_some() {
                continue;
            }
            let kind = KeyKind::History(EntityKind::Attribute);
            match self.records.touch(kind, &id, now_ms) {
                Freshness::Fresh => {}
                freshness => tell(freshness, kind, &id),
            }
        }
    }

    /// Does any attribute stand in users' profiles?
    pub fn reads_profile_attributes(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.holder == AttributeHolder::Profile)
    }

    /// The histories of a transaction's parties that are here, one after the other.
    pub fn histories_of(&self, transaction: &Transaction, tell: impl Fn(&EntityHistory)) {
        let parties = [
            (EntityKind::Beneficiary, Some(&*transaction.user_id)),
            (EntityKind::Merchant, transaction.merchant_id.as_deref()),
            (EntityKind::Device, transaction.device_id.as_deref()),
            (EntityKind::Beneficiary, transaction.beneficiary_id.as_deref()),
            (EntityKind::Ip, transaction.ip_address.as_deref()),
        ];
        for (kind, id) in parties {
            if let Some(Record::History(history)) = id.and_then(|id| self.records.peek(KeyKind::History(kind), id)) {
                tell(history);
            }
        }
    }

    /// Everything that is known of a transaction's parties.
    pub fn look_up(&mut self, transaction: &Transaction, stores: &StoresNow) -> Enriched {
        let (time_ms, now_ms) = (transaction.timestamp, stores.now_ms);
        let mut status = EnrichmentStatus::Ok;
        let user = self.profile_of(transaction, now_ms, &mut status);
        let received = self.read(EntityKind::Beneficiary, Some(&transaction.user_id), time_ms, now_ms, &mut status);
        let merchant_id = transaction.merchant_id.as_deref();
        let merchant = match merchant_id.and_then(|id| self.records.get(KeyKind::Merchant, id, now_ms, &mut status)) {
            Some(Record::Merchant(profile)) => Some(profile.clone()),
            _ => None,
        };
        let merchant_risk = self.read(EntityKind::Merchant, merchant_id, time_ms, now_ms, &mut status);
        let device_id = transaction.device_id.as_deref();
        let device = match device_id.and_then(|id| self.records.get(KeyKind::Device, id, now_ms, &mut status)) {
            Some(Record::Device(profile)) => Some(profile.clone()),
            _ => None,
        };
        let device_risk = self.read(EntityKind::Device, device_id, time_ms, now_ms, &mut status);
        let beneficiary_id = transaction.beneficiary_id.as_deref();
        let beneficiary_risk = self.read(EntityKind::Beneficiary, beneficiary_id, time_ms, now_ms, &mut status);
        let address = transaction.ip_address.as_deref();
        let ip = match address.and_then(|id| self.records.get(KeyKind::Ip, id, now_ms, &mut status)) {
            Some(Record::Ip(feed)) => Some(feed.clone()),
            _ => None,
        };
        let ip_risk = self.read(EntityKind::Ip, address, time_ms, now_ms, &mut status);
        let email_domain = transaction.email_domain.as_deref();
        let domain = match email_domain.and_then(|id| self.records.get(KeyKind::Domain, id, now_ms, &mut status)) {
            Some(Record::Domain(feed)) => Some(feed.clone()),
            _ => None,
        };
        let is_kept = self.broad.is_at(time_ms, &self.buckets);
        let categories = self.read_categories(transaction, now_ms, is_kept, &mut status);
        let mut enriched = Enriched {
            user,
            merchant,
            device,
            ip,
            domain,
            received: None,
            merchant_risk: None,
            device_risk: None,
            beneficiary_risk: None,
            ip_risk: None,
            categories: [None; CATEGORIES],
            attribute_figures: Vec::new(),
            stale_history: false,
            status,
        };
        // Most users never receive anything: without a record nothing is known, and nothing is stale.
        if let Read::Found(_) = received {
            enriched.received = self.risk(received, EntityKind::Beneficiary, &mut enriched, time_ms, stores);
        }
        enriched.merchant_risk = self.risk(merchant_risk, EntityKind::Merchant, &mut enriched, time_ms, stores);
        enriched.device_risk = self.risk(device_risk, EntityKind::Device, &mut enriched, time_ms, stores);
        enriched.beneficiary_risk =
            self.risk(beneficiary_risk, EntityKind::Beneficiary, &mut enriched, time_ms, stores);
        enriched.ip_risk = self.risk(ip_risk, EntityKind::Ip, &mut enriched, time_ms, stores);
        for (place, (kind, read)) in EntityKind::CATEGORIES.into_iter().zip(categories).enumerate() {
            let id = std::mem::take(&mut self.ids[place]);
            enriched.categories[place] = self.figures(read, kind, &id, &mut enriched, time_ms, stores, is_kept);
            self.ids[place] = id;
        }
        self.look_up_attributes(transaction, stores, is_kept, &mut enriched);
        if !stores.are_configured {
            enriched.status = EnrichmentStatus::NotConfigured;
        }
        enriched
    }

    fn profile_of(
        &mut self,
        transaction: &Transaction,
        now_ms: i64,
        status: &mut EnrichmentStatus,
    ) -> Option<Arc<UserProfile>> {
        match self.records.get(KeyKind::User, &transaction.user_id, now_ms, status) {
            Some(Record::User(profile)) => Some(profile.clone()),
            _ => None,
        }
    }

    fn read_categories(
        &mut self,
        transaction: &Transaction,
        now_ms: i64,
        is_kept: bool,
        status: &mut EnrichmentStatus,
    ) -> [Read; CATEGORIES] {
        let mut categories = [Read::NotNamed; CATEGORIES];
        for (place, kind) in EntityKind::CATEGORIES.into_iter().enumerate() {
            let mut id = std::mem::take(&mut self.ids[place]);
            if category_id(kind, transaction, &mut id) {
                let kept = if is_kept { self.broad.get(kind, &id) } else { None };
                categories[place] = match kept {
                    Some(figures) => Read::Kept(*figures),
                    None => self.read(kind, Some(&id), transaction.timestamp, now_ms, status),
                };
            }
            self.ids[place] = id;
        }
        categories
    }

    fn look_up_attributes(
        &mut self,
        transaction: &Transaction,
        stores: &StoresNow,
        is_kept: bool,
        enriched: &mut Enriched,
    ) {
        let attributes = self.attributes.clone();
        for attribute in attributes.iter() {
            let id = attribute_id(attribute, transaction, enriched.user.as_deref());
            let kind = EntityKind::Attribute;
            let read = match id.as_deref() {
                None => Read::NotNamed,
                Some(id) => match self.broad.get(kind, id).filter(|_| is_kept) {
                    Some(figures) => Read::Kept(*figures),
                    None => self.read(kind, Some(id), transaction.timestamp, stores.now_ms, &mut enriched.status),
                },
            };
            let id = id.unwrap_or_default();
            let figures = self.figures(read, kind, &id, enriched, transaction.timestamp, stores, is_kept);
            enriched.attribute_figures.push(figures);
        }
    }

    fn read(
        &mut self,
        kind: EntityKind,
        id: Option<&str>,
        time_ms: i64,
        now_ms: i64,
        status: &mut EnrichmentStatus,
    ) -> Read {
        let Some(id) = id else { return Read::NotNamed };
        match self.records.get(KeyKind::History(kind), id, now_ms, status) {
            Some(Record::History(history)) => Read::Found(history.as_of(time_ms, &self.buckets)),
            _ => Read::Absent,
        }
    }

    /// A complete store without buckets of an entity knows that nothing happened there yet.
    fn risk(
        &mut self,
        read: Read,
        kind: EntityKind,
        enriched: &mut Enriched,
        time_ms: i64,
        stores: &StoresNow,
    ) -> Option<EntityRisk> {
        let risk = match read {
            Read::Found(risk) => risk,
            Read::Absent if stores.hold_histories && enriched.status != EnrichmentStatus::Degraded => {
                let history = &mut self.without_history[kind as usize];
                history.complete_through_ms = stores.complete_through_ms;
                history.as_of(time_ms, &self.buckets)
            }
            _ => return None,
        };
        enriched.stale_history |= risk.stale;
        Some(risk)
    }

    /// Those of a category; kept for the hour if they are final.
    #[allow(clippy::too_many_arguments)] // one place of one look-up
    fn figures(
        &mut self,
        read: Read,
        kind: EntityKind,
        id: &str,
        enriched: &mut Enriched,
        time_ms: i64,
        stores: &StoresNow,
        is_kept: bool,
    ) -> Option<BroadFigures> {
        if let Read::Kept(figures) = read {
            return Some(figures);
        }
        let risk = self.risk(read, kind, enriched, time_ms, stores)?;
        let figures = BroadFigures::new(&risk);
        if is_kept && !risk.stale && enriched.status == EnrichmentStatus::Ok {
            self.broad.keep(kind, id, figures);
        }
        Some(figures)
    }
}

/// The id of a text attribute's value; `None` where there is no value.
fn attribute_id(attribute: &Attribute, transaction: &Transaction, profile: Option<&UserProfile>) -> Option<String> {
    let text = attribute.text(transaction, profile)?;
    Some(format!("{}={text}", attribute.name))
}
