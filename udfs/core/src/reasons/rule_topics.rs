//! What a rule's condition is about: the features and fields that it reads.

use crate::reasons::catalogue::Catalogue;
use crate::reasons::event_concepts::concept_of_field;

/// One name that a condition reads and that is about a concept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicName {
    /// The position of a feature.
    Feature(usize),
    /// A field of the event or figure of the population, with the positions of the flags that say the same.
    Field { concept: &'static str, flags: Vec<usize> },
}

impl TopicName {
    /// What it is about.
    pub fn concept<'a>(&self, catalogue: &'a Catalogue) -> &'a str {
        match self {
            Self::Feature(position) => {
                catalogue.features.get(*position).map_or("", |feature| feature.signal.concept.as_ref())
            }
            Self::Field { concept, .. } => concept,
        }
    }
}

/// The names that one rule reads, in the order of their first use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTopic {
    pub names: Vec<TopicName>,
}

impl RuleTopic {
    /// Of the names that a condition reads; those that are about no concept are left out.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>, catalogue: &Catalogue) -> Self {
        let about = names.into_iter().filter_map(|name| {
            if let Some(concept) = concept_of_field(name) {
                return Some(TopicName::Field { concept, flags: catalogue.read_from(name) });
            }
            catalogue.position(name).map(TopicName::Feature)
        });
        Self { names: about.collect() }
    }
}
