//! One alert's values in an analyst's words, and what is usual beside them.

use crate::features::feature::Form;
use crate::features::signal::Direction;
use crate::python_format::{grouped, is_printable_text};
use crate::reasons::evidence::Examiner;
use crate::reasons::inputs::AlertInputs;
use crate::reasons::quantities::{hour, quantity};
use crate::reasons::usual::{
    FEWEST_PAYMENTS, frequency_in_words, known_before, nights_in_words, of_population, without_fraud_in_words,
};
use crate::reasons::words::in_words;

const LONGEST_IDENTITY: usize = 40;

/// A known value in words, e.g. `amount 8.4x this user's mean`.
pub fn text(examiner: &Examiner, position: usize, value: f64) -> String {
    let inputs = examiner.inputs;
    let Some(feature) = inputs.feature(position) else { return String::new() };
    let (signal, words) = (&feature.signal, &feature.words);
    if signal.direction == Direction::Night {
        return format!("at {} local time", clock(inputs));
    }
    if &*feature.name == "speed_kmh" {
        return trip(inputs, value);
    }
    if words.form != Form::Flag {
        let is_low = !words.lowered.is_empty() && examiner.is_small(position, value, signal);
        return in_words(words, signal.direction, value, inputs.base_currency, is_low);
    }
    let text = in_words(words, signal.direction, value, "", false);
    let readable = |identity: &&str| is_printable_text(identity) && identity.chars().count() <= LONGEST_IDENTITY;
    match feature.identity.and_then(|read| read(inputs.transaction)).filter(readable) {
        Some(identity) => format!("{text} ({identity})"),
        None => text,
    }
}

/// What is usual instead, of this user where it is known, or else of the population.
pub fn usual(examiner: &Examiner, position: usize, value: f64) -> Option<String> {
    let inputs = examiner.inputs;
    let feature = inputs.feature(position)?;
    let (signal, name, at) = (&feature.signal, &*feature.name, &inputs.catalogue.at);
    if let Some(amounts) = examiner.amounts.filter(|_| signal.concept == "amount" && name != "monthly_spend_share") {
        return Some(amounts.words(inputs.base_currency));
    }
    if signal.direction == Direction::Night {
        return nights_in_words(inputs).or_else(|| of_population(inputs, at.is_night, 1.0, ""));
    }
    let devices = inputs.value(at.known_device_count);
    if name == "is_new_device" && devices >= 1.0 {
        let (count, ending) = (grouped(devices, 0), if devices > 1.0 { "s" } else { "" });
        return Some(format!("this user's payments come from {count} known device{ending}"));
    }
    if name.starts_with("is_new_") && inputs.value(at.user_txn_count) >= FEWEST_PAYMENTS {
        return Some(known_before(inputs));
    }
    match name {
        // How long ago it is with others, who were unblocked, is no comfort.
        "days_since_unblock" => return None,
        "days_since_fraud_known" => return without_fraud_in_words(inputs),
        _ => {}
    }
    let population = of_population(inputs, position, value, inputs.base_currency);
    if signal.direction == Direction::Rate {
        return population.or_else(|| Some(format!("base rate {}", quantity(Form::Percent, inputs.base_rate, ""))));
    }
    if signal.concept == "velocity" {
        let known: Vec<String> = frequency_in_words(inputs).into_iter().chain(population).collect();
        return (!known.is_empty()).then(|| known.join("; "));
    }
    population
}

/// The user's local time to the minute; to the hour where the zone does not agree with the hour.
fn clock(inputs: &AlertInputs) -> String {
    let known = inputs.value(inputs.catalogue.at.hour_local);
    match inputs.clock.filter(|(local_hour, _)| f64::from(*local_hour) == known) {
        Some((local_hour, minute)) => format!("{local_hour:02}:{minute:02}"),
        None => hour(known),
    }
}

fn trip(inputs: &AlertInputs, speed: f64) -> String {
    let at = &inputs.catalogue.at;
    let speed = quantity(Form::Kmh, speed, "");
    let (distance, seconds) = (inputs.value(at.km_from_last), inputs.value(at.seconds_since_last));
    if distance.is_nan() || seconds.is_nan() {
        return format!("{speed} since the last payment");
    }
    let (distance, span) = (quantity(Form::Km, distance, ""), quantity(Form::Seconds, seconds, ""));
    format!("{distance} in {span} since the last payment ({speed})")
}
