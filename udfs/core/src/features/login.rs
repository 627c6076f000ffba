//! The user's logins before this transaction. Without any login of the user nothing is known.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::features::values::{changed_text, known};
use crate::time_units::MINUTE_MS;

pub const FAMILY: Family = Family { name: "login", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "failed_logins_1h",
            "logins",
            "failed logins in (t - 1 hour, t]",
            Words::number(Form::Count, "{} failed logins in 1 hour").unknown("no logins of this user known"),
            Signal::high("failed_logins", 2.0, 3.0),
        )
        .groups(&["logins"])
        .version(2),
        Feature::new(
            "failed_logins_1d",
            "logins",
            "failed logins in (t - 1 day, t]",
            Words::number(Form::Count, "{} failed logins in 1 day").unknown("no logins of this user known"),
            Signal::high("failed_logins", 3.0, 5.0).rank(2),
        )
        .groups(&["logins"])
        .version(2),
        Feature::new(
            "minutes_since_login",
            "minutes",
            "t - the last successful login",
            Words::number(Form::Minutes, "{} after the last login").unknown("no successful login of this user known"),
            Signal::never("login"),
        )
        .groups(&["logins"]),
        Feature::new(
            "login_city_changed",
            "flag",
            "1 if the last two logins came from different cities",
            Words::flag("last two logins from different cities", "login city not changed")
                .unknown("cities of the last two logins not known"),
            Signal::flag("login").rank(2),
        )
        .groups(&["logins"]),
        Feature::new(
            "login_device_differs",
            "flag",
            "1 if the last successful login came from another device than this",
            Words::flag("logged in from another device than this", "logged in from the same device")
                .unknown("device of the last login or of this payment not known"),
            Signal::flag("device").rank(2).joins("device_change"),
        )
        .groups(&["logins", "device"]),
        Feature::new(
            "login_devices_1h",
            "devices",
            "different known devices of logins in (t - 1 hour, t]",
            Words::number(Form::Count, "logins from {} devices in 1 hour").unknown("no logins of this user known"),
            Signal::high("login", 2.0, 2.0).rank(0),
        )
        .groups(&["logins"]),
        Feature::new(
            "login_devices_1d",
            "devices",
            "different known devices of logins in (t - 1 day, t]",
            Words::number(Form::Count, "logins from {} devices in 1 day").unknown("no logins of this user known"),
            Signal::high("login", 2.0, 3.0),
        )
        .groups(&["logins"]),
    ]
}

fn compute(context: &Context, out: &mut [f64]) {
    let (account, time_ms) = (context.account, context.time_ms);
    if account.logins().is_empty() {
        out.fill(f64::NAN);
        return;
    }
    let settings = context.recent.settings;
    let last = account.last_success(time_ms);
    let cities = account.last_two(time_ms).map(|(earlier, newest)| (earlier.city.as_deref(), newest.city.as_deref()));
    let (before, now) = cities.unwrap_or_default();
    out.copy_from_slice(&[
        account.failed_logins(time_ms, settings.hour_ms) as f64,
        account.failed_logins(time_ms, settings.day_ms) as f64,
        known(last.map(|login| (time_ms - login.timestamp_ms) as f64 / MINUTE_MS as f64)),
        changed_text(before, now),
        changed_text(last.and_then(|login| login.device_id.as_deref()), context.transaction.device_id.as_deref()),
        account.login_devices(time_ms, settings.hour_ms) as f64,
        account.login_devices(time_ms, settings.day_ms) as f64,
    ]);
}
