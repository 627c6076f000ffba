//! The events that come in, as `codec::decode` makes them from a record's bytes.
//!
//! Every id is text, every timestamp epoch milliseconds UTC, every absent optional field `None`. Texts borrow from the
//! record where it holds them as they are.

use std::borrow::Cow;

/// A text of the record: borrowed, unless it had to be unescaped or changed.
pub type Text<'a> = Cow<'a, str>;

/// What kind of payment a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionKind {
    Purchase,
    Refund,
    Reversal,
}

impl TransactionKind {
    /// As the contract of the events writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
        }
    }
}

/// What the bank's authorization said before the scorer was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationResult {
    Approved,
    Declined,
}

impl AuthorizationResult {
    /// As the contract of the events writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// A value of a bank's own attribute: never an empty text; true and false are 1 and 0.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    Text(Text<'a>),
    Number(f64),
}

/// Named values of a bank's own, at most 16, in the order of the record.
pub type Attributes<'a> = Vec<(Text<'a>, AttributeValue<'a>)>;

/// A payment, refund or reversal by one user.
///
/// `amount` is in major units of `currency` (the base currency where absent), 0 to 10^12. Distances are in km.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction<'a> {
    pub transaction_id: Text<'a>,
    pub user_id: Text<'a>,
    pub timestamp: i64,
    pub amount: f64,
    pub currency: Option<Text<'a>>,
    pub kind: TransactionKind,
    pub auth_result: Option<AuthorizationResult>,
    pub merchant_id: Option<Text<'a>>,
    pub merchant_category: Option<Text<'a>>,
    pub merchant_country: Option<Text<'a>>,
    pub channel: Option<Text<'a>>,
    pub entry_mode: Option<Text<'a>>,
    pub device_id: Option<Text<'a>>,
    pub session_id: Option<Text<'a>>,
    pub card_id: Option<Text<'a>>,
    pub ip_address: Option<Text<'a>>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub city: Option<Text<'a>>,
    pub country: Option<Text<'a>>,
    pub otp_used: Option<bool>,
    pub beneficiary_id: Option<Text<'a>>,
    pub email_domain: Option<Text<'a>>,
    pub distance_from_home_km: Option<f64>,
    pub account_tenure_months: Option<f64>,
    pub txns_last_1h: Option<f64>,
    pub attributes: Attributes<'a>,
}

impl<'a> Transaction<'a> {
    /// A purchase of nothing: what tests and the decoder start from.
    pub fn new(transaction_id: Text<'a>, user_id: Text<'a>, timestamp: i64, amount: f64) -> Self {
        Self {
            transaction_id,
            user_id,
            timestamp,
            amount,
            currency: None,
            kind: TransactionKind::Purchase,
            auth_result: None,
            merchant_id: None,
            merchant_category: None,
            merchant_country: None,
            channel: None,
            entry_mode: None,
            device_id: None,
            session_id: None,
            card_id: None,
            ip_address: None,
            latitude: None,
            longitude: None,
            city: None,
            country: None,
            otp_used: None,
            beneficiary_id: None,
            email_domain: None,
            distance_from_home_km: None,
            account_tenure_months: None,
            txns_last_1h: None,
            attributes: Attributes::new(),
        }
    }

    /// The country of the payment, or else the merchant's.
    pub fn place_country(&self) -> Option<&str> {
        self.country.as_deref().or(self.merchant_country.as_deref())
    }
}

/// A login attempt; `success` is `None` where the source does not tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Login<'a> {
    pub event_id: Text<'a>,
    pub user_id: Text<'a>,
    pub timestamp: i64,
    pub device_id: Option<Text<'a>>,
    pub ip_address: Option<Text<'a>>,
    pub city: Option<Text<'a>>,
    pub success: Option<bool>,
}

/// A change of an account's status, with who made it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountChange<'a> {
    pub event_id: Text<'a>,
    pub user_id: Text<'a>,
    pub timestamp: i64,
    pub old_status: Option<Text<'a>>,
    pub new_status: Option<Text<'a>>,
    pub reason: Option<Text<'a>>,
    pub audit_user: Option<Text<'a>>,
}

/// What a transaction turned out to be. `timestamp` is the transaction's, `known_at` when the label arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Label<'a> {
    pub event_id: Text<'a>,
    pub transaction_id: Text<'a>,
    pub user_id: Text<'a>,
    pub timestamp: i64,
    pub known_at: i64,
    pub is_fraud: bool,
    pub merchant_id: Option<Text<'a>>,
    pub resolution_code: Option<Text<'a>>,
}

/// The user is to be forgotten: all that is kept of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Erasure<'a> {
    pub event_id: Text<'a>,
    pub user_id: Text<'a>,
    pub timestamp: i64,
}

/// One decoded record.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    Transaction(Box<Transaction<'a>>),
    Login(Login<'a>),
    AccountChange(AccountChange<'a>),
    Label(Label<'a>),
    Erasure(Erasure<'a>),
}

impl Event<'_> {
    /// Whose event it is.
    pub fn user_id(&self) -> &str {
        match self {
            Self::Transaction(event) => &event.user_id,
            Self::Login(event) => &event.user_id,
            Self::AccountChange(event) => &event.user_id,
            Self::Label(event) => &event.user_id,
            Self::Erasure(event) => &event.user_id,
        }
    }

    /// When it became known, epoch milliseconds: of a label `known_at`.
    pub fn arrival_ms(&self) -> i64 {
        match self {
            Self::Transaction(event) => event.timestamp,
            Self::Login(event) => event.timestamp,
            Self::AccountChange(event) => event.timestamp,
            Self::Label(event) => event.known_at,
            Self::Erasure(event) => event.timestamp,
        }
    }
}
