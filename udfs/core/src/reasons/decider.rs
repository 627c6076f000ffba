//! From what was seen of a transaction and what the model said of it to the records that leave.
//!
//! In two steps, since only alerts are explained: `judge` first, then `records`, with the model's explanation where the
//! action is not to allow.

use std::sync::Arc;

use crate::decision::actions::{Action, Tag};
use crate::decision::decision_record::{ControlVersions, Decided, InForce, Origin};
use crate::decision::flags::{Compliance, flag_reasons, joined};
use crate::decision::judge::{Judge, Judgement, Prediction, Weighed};
use crate::decision::logged_features::FeatureLog;
use crate::decision::notices::{alert_json, flag_notice_json};
use crate::decision::probability::NotANumber;
use crate::decision::shadow::{Seen, Shadowed, Shadows, Truths};
use crate::decision::thresholds::DecisionSettings;
use crate::observed::Observed;
use crate::reasons::explainer::{Explained, Explainer};
use crate::rules::number::Row;
use crate::rules::population::{Figures, Population};
use crate::rules::rulebook::{RuleResult, Rulebook, Shares};

/// All that is decided by. Immutable but for the control versions: any other change makes a new one.
#[derive(Debug)]
pub struct Decider {
    pub settings: DecisionSettings,
    pub rulebook: Arc<Rulebook>,
    pub judge: Judge,
    /// `None` where nothing is in shadow.
    pub shadows: Option<Shadows>,
    pub explainer: Explainer,
    pub population: Arc<Population>,
    pub bundle_version: Box<str>,
    pub base_currency: Box<str>,
    pub control_versions: ControlVersions,
    pub feature_log: FeatureLog,
}

/// One transaction as judged.
#[derive(Clone, Debug)]
pub struct Judged {
    pub prediction: Prediction,
    pub result: RuleResult,
    pub judgement: Judgement,
    /// In which partial roll-outs the user is.
    pub shares: Shares,
    /// What each set in shadow says.
    pub shadowed: Vec<Shadowed>,
    figures: Figures,
}

impl Judged {
    /// Is the model's explanation needed for the records?
    pub fn is_explained(&self) -> bool {
        self.judgement.action != Action::Allow
    }
}

/// Why the model scored as it did, by the features' positions: `strongest` contributions above 0, and deviations above
/// UNUSUAL_DEVIATIONS. `clock` is the user's local hour and minute; `None` where the time zone is not known.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    pub contributions: Vec<(usize, f64)>,
    pub deviations: Vec<(usize, f64)>,
    pub clock: Option<(u32, u32)>,
}

/// The bytes of one decision's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    pub action: Action,
    pub risk_score: i64,
    pub decision: Vec<u8>,
    pub alert: Option<Vec<u8>>,
    pub flag_notice: Option<Vec<u8>>,
    /// The decision without its features.
    pub reply: Option<Vec<u8>>,
}

impl Decider {
    /// What is to be done with a transaction. Raises NotANumber where the model's output is none. `truths` may be those of
    /// another transaction.
    pub fn judge(
        &self,
        observed: &Observed,
        features: &[f64],
        prediction: Prediction,
        truths: &mut Truths,
    ) -> Result<Judged, NotANumber> {
        let transaction = observed.transaction;
        let figures = self.population.figures(transaction.timestamp, transaction.city.as_deref());
        let row = Row { features, transaction, population: &figures, facts: &observed.facts };
        let is_blocked = !observed.blocked.is_empty();
        let shares = self.rulebook.shares(&transaction.user_id);
        let mut result = RuleResult::default();
        match &self.shadows {
            None => self.rulebook.evaluate(&row, shares, &mut result),
            Some(shadows) => shadows.evaluate_live(&self.rulebook, &row, shares, truths, &mut result),
        }
        let weighed = Weighed::new(&prediction);
        let mut judgement = self.judge.judge(&weighed, &result, &self.rulebook, shares, is_blocked)?;
        let shadowed = self.shadows.as_ref().map_or_else(Vec::new, |shadows| {
            shadows.shadowed(&Seen { row, weighed, judgement: &judgement, is_blocked }, shares, truths)
        });
        if observed.limited_history {
            judgement.tags.push(Tag::LimitedHistory);
        }
        Ok(Judged { prediction, result, judgement, shares, shadowed, figures })
    }

    /// The decision, and its alert or notice of flags. `explanation` counts only where `judged.is_explained()`;
    /// `wants_reply`: and the reply to whoever asked.
    pub fn records(
        &self,
        observed: &Observed,
        features: &[f64],
        judged: &Judged,
        explanation: &Explanation,
        origin: Option<Origin>,
        wants_reply: bool,
    ) -> Records {
        let compliance = self.compliance(observed);
        let facts = &observed.facts;
        let row = Row { features, transaction: observed.transaction, population: &judged.figures, facts };
        let built_in: Vec<_> = compliance.kinds().into_iter().filter(|kind| !self.rulebook.decides_on(kind)).collect();
        let flags = joined(&built_in, &observed.by_rules);
        let words = |place| self.rulebook.reason(place, &row);
        let of_flags = flag_reasons(&flags, &compliance, &observed.by_rules, words);
        let (reasons, summary) = if judged.is_explained() {
            let explained = Explained {
                row,
                prediction: &judged.prediction,
                judgement: &judged.judgement,
                result: &judged.result,
                contributions: &explanation.contributions,
                deviations: &explanation.deviations,
                flags: of_flags,
                blocked: &observed.blocked,
                clock: explanation.clock,
            };
            let (reasons, summary) = self.explainer.reasons(explained, &self.rulebook);
            (reasons, Some(summary))
        } else {
            (of_flags, None)
        };
        let decided = Decided {
            transaction: observed.transaction,
            features,
            prediction: &judged.prediction,
            result: &judged.result,
            judgement: &judged.judgement,
            shadowed: &judged.shadowed,
            flags: &flags,
            summary: summary.as_deref(),
            reasons: &reasons,
            status: observed.status,
            late: observed.late,
            stale_history: observed.stale_history,
            origin,
        };
        self.written(observed, &decided, wants_reply)
    }

    fn written(&self, observed: &Observed, decided: &Decided, wants_reply: bool) -> Records {
        let currency = &self.base_currency;
        let country = observed.user.as_ref().and_then(|user| user.home_country.as_deref());
        let action = decided.judgement.action;
        let is_alert = action != Action::Allow || (self.settings.flag_alerts && !decided.flags.is_empty());
        let is_notice = !is_alert && !observed.untold.is_empty();
        Records {
            action,
            risk_score: decided.judgement.risk_score,
            decision: decided.json(&self.in_force()),
            alert: is_alert.then(|| alert_json(decided, currency, country)),
            flag_notice: is_notice.then(|| flag_notice_json(decided, &observed.untold, currency, country)),
            reply: wants_reply
                .then(|| decided.json(&InForce { feature_log: &FeatureLog::without_features(), ..self.in_force() })),
        }
    }

    fn compliance<'a>(&'a self, observed: &'a Observed) -> Compliance<'a> {
        Compliance {
            settings: &self.settings,
            amount: observed.amount,
            user: observed.user.as_deref(),
            verified: observed.verified,
            ip: observed.ip.as_deref(),
            blocked: &observed.blocked,
        }
    }

    fn in_force(&self) -> InForce<'_> {
        InForce {
            bundle_version: &self.bundle_version,
            base_currency: &self.base_currency,
            rulebook: &self.rulebook,
            control_versions: &self.control_versions,
            shadows: self.shadows.as_ref(),
            feature_log: &self.feature_log,
        }
    }
}
