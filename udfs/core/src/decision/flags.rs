//! Compliance flags beside the action, and in words why they were raised. What is not known raises none.

use crate::decision::reason::{Reason, ReasonSource};
use crate::decision::thresholds::DecisionSettings;
use crate::profiles::{BlockEntry, IpFeed, UserProfile};
use crate::python_format::{general, grouped};
use crate::python_text::strip;
use crate::rules::facts::sanctioned_parties;
use crate::rules::rulebook::RaisedFlag;

pub const AML: &str = "AML";
pub const KYC: &str = "KYC";
pub const PCI: &str = "PCI";
pub const AUDIT: &str = "AUDIT";
/// All flags, in the order in which a decision lists them.
pub const FLAGS: [&str; 4] = [AML, KYC, PCI, AUDIT];
const SANCTION: &str = "SANCTION";
const UNVERIFIED: i64 = 0;

/// What flags look at: the amount in major units of the base currency, and what is known of the parties.
#[derive(Clone, Copy, Debug)]
pub struct Compliance<'a> {
    pub settings: &'a DecisionSettings,
    pub amount: f64,
    pub user: Option<&'a UserProfile>,
    /// By the newest change of the account's status that said so; it goes before the profile.
    pub verified: Option<bool>,
    pub ip: Option<&'a IpFeed>,
    pub blocked: &'a [BlockEntry],
}

impl Compliance<'_> {
    /// The flags, without why. AML: a party under sanctions, or a large amount. KYC: an unverified user. PCI: a risky IP
    /// address. In this order.
    pub fn kinds(&self) -> Vec<&'static str> {
        let raised = [
            (AML, self.is_large() || self.blocked.iter().any(is_sanctioned)),
            (KYC, self.is_unverified()),
            (PCI, self.is_vpn() || self.risk_above().is_some()),
        ];
        raised.into_iter().filter(|(_, is_raised)| *is_raised).map(|(kind, _)| kind).collect()
    }

    /// Why a flag was raised.
    pub fn why(&self, kind: &str) -> String {
        match kind {
            AML => self.why_aml(),
            KYC => "the user is not verified".into(),
            _ => self.why_pci(),
        }
    }

    fn why_aml(&self) -> String {
        let parties = sanctioned_parties(self.blocked);
        if !parties.is_empty() {
            return format!("{parties} under sanctions");
        }
        let (amount, limit) = (grouped(self.amount, 2), grouped(self.settings.aml_amount, 2));
        format!("an amount of {amount} in the base currency, above {limit}")
    }

    fn why_pci(&self) -> String {
        let mut risks = Vec::new();
        if self.is_vpn() {
            risks.push("belongs to a VPN".to_owned());
        }
        if let Some(risk) = self.risk_above() {
            let limit = general(self.settings.pci_ip_risk_above, 6);
            risks.push(format!("has a risk of {}, above {limit}", general(risk, 6)));
        }
        format!("the IP address {}", risks.join(" and "))
    }

    fn is_large(&self) -> bool {
        self.amount > self.settings.aml_amount
    }

    fn is_unverified(&self) -> bool {
        let by_profile = || self.user.is_some_and(|user| user.kyc_level == Some(UNVERIFIED));
        self.verified.map_or_else(by_profile, |verified| !verified)
    }

    fn is_vpn(&self) -> bool {
        self.ip.is_some_and(|ip| ip.vpn == Some(true))
    }

    fn risk_above(&self) -> Option<f64> {
        self.ip?.ip_risk_score.filter(|risk| *risk > self.settings.pci_ip_risk_above)
    }
}

/// Does the reason of an entry of the block list speak of sanctions?
pub fn is_sanctioned(entry: &BlockEntry) -> bool {
    entry.reason_code.as_deref().is_some_and(|reason| reason.to_uppercase().contains(SANCTION))
}

/// The flag of a name.
pub fn flag_of(name: &str) -> Option<&'static str> {
    FLAGS.into_iter().find(|flag| *flag == name)
}

/// The flags by rules and those that no rule of the set decides on, in the order of FLAGS.
pub fn joined(built_in: &[&'static str], by_rules: &[RaisedFlag]) -> Vec<&'static str> {
    let is_raised = |kind: &&str| built_in.contains(kind) || by_rules.iter().any(|raised| raised.kind == *kind);
    FLAGS.into_iter().filter(is_raised).collect()
}

/// One reason for each flag. They weigh nothing: a flag adds nothing to the score. `words` are those of a rule.
pub fn flag_reasons(
    kinds: &[&'static str],
    compliance: &Compliance,
    by_rules: &[RaisedFlag],
    words: impl Fn(u16) -> String,
) -> Vec<Reason> {
    let why = |kind: &str| match by_rules.iter().find(|raised| raised.kind == kind) {
        Some(raised) => words(raised.place),
        None => compliance.why(kind),
    };
    let text = |kind: &str| format!("{kind}: {}", why(kind));
    kinds.iter().map(|kind| Reason::new(ReasonSource::Flag, *kind, text(kind), 0.0)).collect()
}

/// Was an account changed by nobody in particular?
pub fn needs_audit(audit_user: Option<&str>) -> bool {
    let Some(audit_user) = audit_user else { return true };
    matches!(strip(audit_user).to_lowercase().as_str(), "" | "system" | "unknown")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles::BlockType;

    #[test]
    fn flags_come_in_one_order_with_why() {
        let settings = DecisionSettings::default();
        let user = UserProfile { kyc_level: Some(0), ..UserProfile::default() };
        let ip = IpFeed { ip_risk_score: Some(92.5), vpn: Some(true) };
        let compliance = Compliance {
            settings: &settings,
            amount: 123_456.0,
            user: Some(&user),
            verified: None,
            ip: Some(&ip),
            blocked: &[],
        };
        let kinds = compliance.kinds();
        assert_eq!(kinds, [AML, KYC, PCI]);
        let texts: Vec<String> =
            flag_reasons(&kinds, &compliance, &[], |_| String::new()).into_iter().map(|reason| reason.text).collect();
        assert_eq!(texts[0], "AML: an amount of 123,456.00 in the base currency, above 100,000.00");
        assert_eq!(texts[2], "PCI: the IP address belongs to a VPN and has a risk of 92.5, above 80");
    }

    #[test]
    fn sanctions_go_before_the_amount_and_nothing_known_is_no_flag() {
        let settings = DecisionSettings::default();
        let (kind, value, reason_code) = (BlockType::Device, "D1".into(), Some("un_sanctions".into()));
        let entry = BlockEntry { kind, value, reason_code, source_system: None, expires_at: None };
        let blocked = [entry];
        let compliance =
            Compliance { settings: &settings, amount: 1e9, user: None, verified: None, ip: None, blocked: &blocked };
        assert_eq!(compliance.why(AML), "device D1 under sanctions");
        assert_eq!(Compliance { amount: 5.0, blocked: &[], ..compliance }.kinds(), Vec::<&str>::new());
    }

    #[test]
    fn a_change_of_status_goes_before_the_profile() {
        let settings = DecisionSettings::default();
        let compliance =
            Compliance { settings: &settings, amount: 1.0, user: None, verified: None, ip: None, blocked: &[] };
        let of_level = |level: i64| UserProfile { kyc_level: Some(level), ..UserProfile::default() };
        let (low, high) = (of_level(0), of_level(2));
        assert_eq!(Compliance { user: Some(&high), verified: Some(false), ..compliance }.kinds(), [KYC]);
        assert_eq!(Compliance { user: Some(&low), verified: Some(true), ..compliance }.kinds(), Vec::<&str>::new());
        assert_eq!(Compliance { verified: Some(false), ..compliance }.kinds(), [KYC]);
    }

    #[test]
    fn nobody_in_particular_is_audited() {
        for name in [None, Some(" System\u{1c}"), Some(""), Some("UNKNOWN")] {
            assert!(needs_audit(name));
        }
        assert!(!needs_audit(Some("jane")));
    }
}
