//! By which thresholds is decided.

use crate::decision::actions::Action;

/// Risk scores above a threshold get its action; they ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub refer_above: i64,
    pub soft_challenge_above: i64,
    pub hard_block_above: i64,
}

impl Thresholds {
    /// The action of a score.
    pub fn action(&self, risk_score: i64) -> Action {
        if risk_score <= self.refer_above {
            Action::Allow
        } else if risk_score > self.hard_block_above {
            Action::HardBlock
        } else if risk_score > self.soft_challenge_above {
            Action::SoftChallenge
        } else {
            Action::ReferToAnalyst
        }
    }
}

/// What is decided by beside the bundle. Of the thresholds and of `coverage_floor` `None` means: the bundle's own.
///
/// `aml_amount` is in major units of the base currency. With `flag_alerts` a flag without an action is an alert, each
/// time; otherwise it goes to the flags, once a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecisionSettings {
    pub refer_above: Option<i64>,
    pub soft_challenge_above: Option<i64>,
    pub hard_block_above: Option<i64>,
    pub coverage_floor: Option<f64>,
    pub aml_amount: f64,
    pub pci_ip_risk_above: f64,
    pub block_list_action: Action,
    pub flag_alerts: bool,
}

impl Default for DecisionSettings {
    fn default() -> Self {
        Self {
            refer_above: None,
            soft_challenge_above: None,
            hard_block_above: None,
            coverage_floor: None,
            aml_amount: 100_000.0,
            pci_ip_risk_above: 80.0,
            block_list_action: Action::HardBlock,
            flag_alerts: false,
        }
    }
}

impl DecisionSettings {
    /// The fixed thresholds; for those that are not given the bundle's, moved only as far as they must to ascend.
    pub fn thresholds_in_force(&self, of_bundle: Thresholds) -> Thresholds {
        let (challenge, block) = (self.soft_challenge_above, self.hard_block_above);
        let refer_above = self.refer_above.unwrap_or_else(|| {
            let known = [Some(of_bundle.refer_above), challenge, block];
            known.into_iter().flatten().min().unwrap_or(of_bundle.refer_above)
        });
        let soft_challenge_above = challenge.unwrap_or_else(|| {
            let least = of_bundle.soft_challenge_above.max(refer_above);
            block.map_or(least, |block| least.min(block))
        });
        let hard_block_above = block.unwrap_or_else(|| of_bundle.hard_block_above.max(soft_challenge_above));
        Thresholds { refer_above, soft_challenge_above, hard_block_above }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_BUNDLE: Thresholds = Thresholds { refer_above: 100, soft_challenge_above: 300, hard_block_above: 700 };

    #[test]
    fn scores_above_a_threshold_get_its_action() {
        let expected = [(100, "allow"), (101, "refer_to_analyst"), (301, "soft_challenge"), (701, "hard_block")];
        for (score, action) in expected {
            assert_eq!(OF_BUNDLE.action(score).name(), action);
        }
    }

    #[test]
    fn what_is_fixed_moves_the_bundles_thresholds() {
        let settings = DecisionSettings { hard_block_above: Some(50), ..DecisionSettings::default() };
        let expected = Thresholds { refer_above: 50, soft_challenge_above: 50, hard_block_above: 50 };
        assert_eq!(settings.thresholds_in_force(OF_BUNDLE), expected);
        let settings = DecisionSettings { refer_above: Some(800), ..DecisionSettings::default() };
        let expected = Thresholds { refer_above: 800, soft_challenge_above: 800, hard_block_above: 800 };
        assert_eq!(settings.thresholds_in_force(OF_BUNDLE), expected);
    }
}
