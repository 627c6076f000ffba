//! One reason in words.

/// Where a reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonSource {
    Rule,
    Trees,
    Autoencoder,
    BlockList,
    Flag,
}

impl ReasonSource {
    /// As records write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Trees => "trees",
            Self::Autoencoder => "autoencoder",
            Self::BlockList => "block_list",
            Self::Flag => "flag",
        }
    }
}

/// `weight` is what it contributes to the risk score, on the same 0 to 1000 for every source. `value` is what was found,
/// in the feature's unit; `usual` says in words what is usual for this user or for the population.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    pub source: ReasonSource,
    pub name: String,
    pub text: String,
    pub weight: f64,
    pub value: Option<f64>,
    pub usual: Option<String>,
}

impl Reason {
    /// Of no value.
    pub fn new(source: ReasonSource, name: impl Into<String>, text: impl Into<String>, weight: f64) -> Self {
        Self { source, name: name.into(), text: text.into(), weight, value: None, usual: None }
    }
}
