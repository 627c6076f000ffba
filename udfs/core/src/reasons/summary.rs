//! Why, in one sentence.

use crate::reasons::told::Told;

pub const COMBINED: &str = "combination of several slightly unusual values";
pub const COMBINED_WITH_ONE: &str = "combination of values of which only one is slightly unusual";
pub const NOTHING_STANDS_OUT: &str = "no single value stands out: together they resemble earlier frauds";
const UNUSUAL: &str = "unusual for this user; resembles no known fraud pattern";
const MOST_IN_SUMMARY: usize = 3;
const LEAST_OF_STRONGEST: f64 = 0.15;

/// `Amount 8.4x this user's mean, on a device first seen 4 minutes ago, 3 payments in 5 minutes.`
///
/// Of the reasons, strongest first, those that count as much as a part of the strongest. `unusual`: nothing but the
/// anomaly raised the alert.
pub fn sentence(told: &[Told], unusual: bool) -> String {
    let Some(strongest) = told.first() else { return String::new() };
    let least = LEAST_OF_STRONGEST * strongest.reason.weight;
    let weighty = told.iter().take(MOST_IN_SUMMARY).filter(|item| item.reason.weight >= least);
    let mut phrases: Vec<&str> = weighty.map(|item| item.phrase.as_str()).collect();
    if phrases.is_empty() {
        phrases.push(&strongest.phrase);
    }
    let has_parts = phrases.iter().any(|phrase| phrase.contains([',', ';']));
    let mut whole = phrases.join(if has_parts { "; " } else { ", " });
    if unusual {
        whole = format!("{whole}: {UNUSUAL}");
    }
    let mut characters = whole.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", characters.as_str())
}
