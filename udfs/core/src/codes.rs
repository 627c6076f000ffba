//! Codes that are told in words: channel, entry mode, kind, result and countries, whatever their case, and usual other
//! spellings.
//!
//! ATM and " atm " are atm, swipe and Mag-Stripe are magstripe, USA is US; a channel Kiosk, which the contract does not
//! know, is kept as kiosk, a country Narnia as NARNIA, and counted.

use std::borrow::Cow;

use crate::countries::{country_code, is_country_code};
use crate::events::{AuthorizationResult, Text, TransactionKind};
use crate::python_text::strip;

/// A field whose codes features know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeField {
    Channel,
    EntryMode,
}

impl CodeField {
    /// As the contract of the events writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::EntryMode => "entry_mode",
        }
    }

    /// The codes that features know.
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Channel => {
                &["pos", "atm", "ecommerce", "online", "web", "app", "mobile", "upi", "transfer", "wire", "p2p"]
            }
            Self::EntryMode => &["chip", "contactless", "magstripe", "manual", "online"],
        }
    }

    /// The code of a spelling in small letters, without spaces, hyphens and underscores.
    fn code_of(self, spelling: &str) -> Option<&'static str> {
        let code = match self {
            Self::Channel => match spelling {
                "pos" | "pointofsale" => "pos",
                "atm" => "atm",
                "ecommerce" | "ecom" => "ecommerce",
                "online" => "online",
                "web" | "website" => "web",
                "app" | "inapp" | "mobileapp" => "app",
                "mobile" => "mobile",
                "upi" => "upi",
                "transfer" | "banktransfer" => "transfer",
                "wire" | "wiretransfer" => "wire",
                "p2p" => "p2p",
                _ => return None,
            },
            Self::EntryMode => match spelling {
                "chip" | "emv" | "icc" | "chipandpin" | "chip&pin" => "chip",
                "contactless" | "nfc" | "tap" => "contactless",
                "magstripe" | "swipe" | "swiped" | "magneticstripe" => "magstripe",
                "manual" | "keyed" | "keyentered" | "manualentry" => "manual",
                "online" | "ecommerce" | "ecom" => "online",
                _ => return None,
            },
        };
        Some(code)
    }
}

/// Is told a field and what is to be counted of it: an unknown code, or `UNREADABLE`.
pub type Told<'t> = &'t mut dyn FnMut(&'static str, &str);

/// Of values of optional fields that could not be read, and were dropped.
pub const UNREADABLE: &str = "(unreadable)";

/// The code that a text means: one that features know, or else the text itself in small letters without space around it,
/// which `unknown` is told. `None` for a text without anything.
pub fn known_code<'a>(field: CodeField, text: Text<'a>, unknown: Told<'_>) -> Option<Text<'a>> {
    if let Some(code) = field.code_of(&text)
        && code == text
    {
        return Some(Cow::Borrowed(code));
    }
    let plain = strip(&text).to_lowercase();
    if plain.is_empty() {
        return None;
    }
    let spelling: String = plain.chars().filter(|character| !matches!(character, ' ' | '-' | '_')).collect();
    if let Some(code) = field.code_of(&spelling) {
        return Some(Cow::Borrowed(code));
    }
    unknown(field.name(), &plain);
    Some(Cow::Owned(plain))
}

/// The alpha-2 code of a country; a text in ASCII that is none is kept in capital letters, and told.
pub fn known_country<'a>(field: &'static str, text: Text<'a>, unknown: Told<'_>) -> Text<'a> {
    if is_country_code(&text) {
        return text;
    }
    if let Some(code) = country_code(&text) {
        return Cow::Borrowed(code);
    }
    let plain = strip(&text).to_ascii_uppercase();
    unknown(field, &plain);
    Cow::Owned(plain)
}

/// The kind that a text means, `None` for one that means none.
pub fn kind_of(text: &str) -> Option<TransactionKind> {
    match strip(text).to_lowercase().as_str() {
        "purchase" | "sale" | "payment" => Some(TransactionKind::Purchase),
        "refund" | "refunded" | "return" => Some(TransactionKind::Refund),
        "reversal" | "reversed" | "void" | "voided" => Some(TransactionKind::Reversal),
        _ => None,
    }
}

/// The result that a text means, `None` for one that means none.
pub fn result_of(text: &str) -> Option<AuthorizationResult> {
    match strip(text).to_lowercase().as_str() {
        "approved" | "approve" | "accepted" | "authorized" | "authorised" | "success" | "successful" => {
            Some(AuthorizationResult::Approved)
        }
        "declined" | "decline" | "denied" | "rejected" | "refused" | "failed" | "failure" => {
            Some(AuthorizationResult::Declined)
        }
        _ => None,
    }
}
