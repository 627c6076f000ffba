//! Rules among the findings: which of their words can be read, and which feature they are about.

use crate::reasons::evidence::{Evidence, Examiner};
use crate::reasons::findings::Finding;
use crate::reasons::inputs::RuleHit;
use crate::reasons::rule_topics::TopicName;

/// May a rule's words stand as they are? Not where they tell a value that is not known, or a distance of 0 km.
pub fn fit_to_read(text: &str) -> bool {
    // A letter that has another one in lower case counts as that one.
    let characters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let is_at = |at: usize, word: &str| {
        let length = word.chars().count();
        let is_same = characters[at..].iter().copied().take(length).eq(word.chars());
        is_same && !characters.get(at + length).is_some_and(|next| is_of_word(*next))
    };
    let is_unfit = |at: usize| {
        let before = at.checked_sub(1).map(|before| characters[before]);
        let is_word_start = !before.is_some_and(is_of_word);
        let is_number_start = !before.is_some_and(|before| before.is_numeric() || matches!(before, '.' | ','));
        (is_word_start && (is_at(at, "unknown") || is_at(at, "not known"))) || (is_number_start && is_at(at, "0 km"))
    };
    !(0..characters.len()).any(is_unfit)
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The feature of the concept that a rule's condition reads, where it is known, and of several the one that is most
/// unusual; of no strength where its value is no reason but for the rule.
pub fn evidence_of_rule(hit: &RuleHit, concept: &str, examiner: &Examiner) -> Option<Evidence> {
    let mut found: Option<Evidence> = None;
    let mut add = |evidence: Option<Evidence>| {
        if let Some(evidence) = evidence.filter(|other| found.is_none_or(|known| is_more_unusual(other, &known))) {
            found = Some(evidence);
        }
    };
    for name in &hit.topic.names {
        if name.concept(examiner.inputs.catalogue) != concept {
            continue;
        }
        match name {
            TopicName::Feature(position) => add(examiner.as_it_is(*position)),
            TopicName::Field { flags, .. } => {
                let set = flags.iter().filter_map(|flag| examiner.as_it_is(*flag));
                set.filter(|evidence| evidence.value == 1.0).for_each(|evidence| add(Some(evidence)));
            }
        }
    }
    found
}

fn is_more_unusual(one: &Evidence, known: &Evidence) -> bool {
    one.strength > known.strength || (one.strength == known.strength && one.rank < known.rank)
}

/// Is there more to it than a rule about a usual value? What a rule forces, and a rule about no feature, counts.
pub fn is_unusual(finding: &Finding, examiner: &Examiner) -> bool {
    if finding.evidence.is_some() || finding.forces() {
        return true;
    }
    let of_rule = |hit: &&RuleHit| evidence_of_rule(hit, &finding.concept, examiner);
    finding.hits.iter().any(|hit| of_rule(hit).is_none_or(|evidence| evidence.strength > 0.0))
}

/// The rule that forces the action, or the strongest of those whose words can be read; and whether its can.
pub fn hit_to_tell<'a>(hits: &[&'a RuleHit<'a>]) -> Option<(&'a RuleHit<'a>, bool)> {
    if let Some(hit) = hits.iter().find(|hit| hit.forces) {
        return Some((hit, fit_to_read(&hit.text)));
    }
    if let Some(hit) = hits.iter().find(|hit| fit_to_read(&hit.text)) {
        return Some((hit, true));
    }
    hits.first().map(|hit| (*hit, false))
}

#[cfg(test)]
mod tests {
    use super::fit_to_read;

    #[test]
    fn unknown_values_and_no_distance_are_not_fit_to_read() {
        for text in ["Unknown place", "amount is not known.", "0 km from home", "moved 0 KM", "a 0 km b"] {
            assert!(!fit_to_read(text), "{text}");
        }
        for text in ["unknowns", "10 km from home", "1,0 km", "5.0 km", "0 kms", "well known", ""] {
            assert!(fit_to_read(text), "{text}");
        }
    }
}
