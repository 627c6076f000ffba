//! The words of a decision: actions, flags, tags.

/// What is done with a payment, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Allow,
    ReferToAnalyst,
    SoftChallenge,
    HardBlock,
}

impl Action {
    pub const ALL: [Self; 4] = [Self::Allow, Self::ReferToAnalyst, Self::SoftChallenge, Self::HardBlock];

    /// As records and settings write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::ReferToAnalyst => "refer_to_analyst",
            Self::SoftChallenge => "soft_challenge",
            Self::HardBlock => "hard_block",
        }
    }

    /// The action of a name, `None` for a name that is none.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// What is said of a decision beside its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Points counted that history has not been asked about.
    CautiousRules,
    /// So little was known that the score alone refers at most.
    LowCoverage,
    /// The anomaly detectors alone call for an analyst.
    Unusual,
    /// The user has more events than are remembered of one: windows may lack some.
    LimitedHistory,
}

impl Tag {
    /// As records write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CautiousRules => "cautious_rules",
            Self::LowCoverage => "low_coverage",
            Self::Unusual => "unusual",
            Self::LimitedHistory => "limited_history",
        }
    }
}

/// How a rule set's points became part of the probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleMapKind {
    /// By what such points meant in history.
    Calibrated,
    /// By the pack's scale, because the bundle holds no map of this rule set.
    Cautious,
    /// Not at all, as there were no points.
    None,
}

impl RuleMapKind {
    /// As records write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calibrated => "calibrated",
            Self::Cautious => "cautious",
            Self::None => "none",
        }
    }
}
