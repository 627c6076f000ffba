//! Where the transaction happened, against the last one, home, and the places known.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::features::values::{changed, changed_text, flag};
use crate::geo::distance_km;
use crate::time_units::HOUR_MS;

pub const FAMILY: Family = Family { name: "geography", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "km_from_last",
            "km",
            "great-circle distance to the last transaction with time <= t",
            Words::number(Form::Km, "{} from the last payment")
                .unknown("no location stated here or with the last payment"),
            Signal::high("travel", 100.0, 1000.0).joins("place"),
        )
        .groups(&["location"]),
        Feature::new(
            "speed_kmh",
            "km/h",
            "km_from_last / hours since the last transaction, at least 0.01 h",
            Words::number(Form::Kmh, "{} since the last payment")
                .unknown("no location stated here or with the last payment"),
            Signal::high("travel", 200.0, 900.0).rank(0).needs("km_from_last", 50.0),
        )
        .groups(&["location"]),
        Feature::new(
            "km_from_home",
            "km",
            "great-circle distance to the user's home; else the transaction's distance_from_home_km",
            Words::number(Form::Km, "{} from home").unknown("distance from home not known"),
            Signal::high("place", 100.0, 1000.0),
        )
        .groups(&["location", "profile"])
        .version(2),
        Feature::new(
            "is_new_country",
            "flag",
            "1 if the country is not among the user's known countries",
            Words::flag("first payment in this country", "a country known for this user")
                .unknown("no country stated")
                .field("country"),
            Signal::first_time("place").rank(0),
        )
        .groups(&["country"]),
        Feature::new(
            "is_new_city",
            "flag",
            "1 if the city is not among the user's known cities",
            Words::flag("first payment in this city", "a city known for this user")
                .unknown("no city stated")
                .field("city"),
            Signal::first_time("place").rank(2),
        )
        .groups(&["city"]),
        Feature::new(
            "country_changed",
            "flag",
            "1 if the last transaction was in another country",
            Words::flag("another country than the last payment", "same country as the last payment")
                .unknown("no country stated here or with the last payment"),
            Signal::first_time("travel").rank(2).joins("place"),
        )
        .groups(&["country"]),
        Feature::new(
            "city_changed",
            "flag",
            "1 if the last transaction was in another city",
            Words::flag("another city than the last payment", "same city as the last payment")
                .unknown("no city stated here or with the last payment"),
            Signal::first_time("travel").rank(3).joins("place"),
        )
        .groups(&["city"]),
        Feature::new(
            "is_merchant_abroad",
            "flag",
            "1 if the merchant's country is not the user's home country",
            Words::flag("merchant outside the home country", "merchant in the home country")
                .unknown("merchant's country or home country not known")
                .field("merchant_country"),
            Signal::flag("merchant_country").read_from("merchant_country"),
        )
        .groups(&["country", "merchant_country", "profile"]),
        Feature::new(
            "merchant_country_differs",
            "flag",
            "1 if the merchant's country is not the transaction's country",
            Words::flag("merchant's country is not the payment's", "merchant's country matches")
                .unknown("merchant's country or the payment's not stated"),
            Signal::flag("merchant_country").rank(2).read_from("merchant_country"),
        )
        .groups(&["country", "merchant_country"]),
    ]
}

const SHORTEST_TRIP_HOURS: f64 = 0.01;

fn compute(context: &Context, out: &mut [f64]) {
    let Context { transaction, entry, habits, previous, user, .. } = *context;
    let place = transaction.latitude.zip(transaction.longitude);
    let (mut km, mut speed_kmh) = (f64::NAN, f64::NAN);
    let mut home_km = transaction.distance_from_home_km.unwrap_or(f64::NAN);
    if let Some(place) = place {
        if let Some((previous, before)) = previous.and_then(|previous| Some((previous, previous.place()?))) {
            km = distance_km(before, place);
            let hours = (context.time_ms - previous.timestamp_ms) as f64 / HOUR_MS as f64;
            speed_kmh = km / hours.max(SHORTEST_TRIP_HOURS);
        }
        if let Some(home) = user.and_then(|user| user.home_latitude.zip(user.home_longitude)) {
            home_km = distance_km(home, place);
        }
    }
    let merchant_country = transaction.merchant_country.as_deref();
    let has_country = transaction.place_country().is_some();
    let has_city = transaction.city.is_some();
    out.copy_from_slice(&[
        km,
        speed_kmh,
        home_km,
        if has_country { flag(!habits.countries.contains(entry.country)) } else { f64::NAN },
        if has_city { flag(!habits.cities.contains(entry.city)) } else { f64::NAN },
        changed(previous.and_then(|previous| previous.country), entry.country),
        changed(previous.and_then(|previous| previous.city), entry.city),
        changed_text(user.and_then(|user| user.home_country.as_deref()), merchant_country),
        changed_text(transaction.country.as_deref(), merchant_country),
    ]);
}
