//! The device and the IP address, against the last ones and those known.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::session::SESSION_GAP_MS;
use crate::features::signal::Signal;
use crate::features::values::{changed, flag, known};
use crate::time_units::DAY_MS;

pub const FAMILY: Family = Family { name: "device", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "is_new_device",
            "flag",
            "1 if the device is not among the user's known devices",
            Words::flag("first payment on this device", "a device known for this user").unknown("no device stated"),
            Signal::first_time("device").rank(0),
        )
        .groups(&["device"]),
        Feature::new(
            "device_changed",
            "flag",
            "1 if the last transaction came from another device",
            Words::flag("another device than the last payment", "same device as the last payment")
                .unknown("no device stated here or with the last payment"),
            Signal::first_time("device").rank(3).joins("device_change"),
        )
        .groups(&["device"]),
        Feature::new(
            "device_changed_in_session",
            "flag",
            "device_changed, and the last transaction at most 30 minutes ago",
            Words::flag("device changed within 30 minutes of the last payment", "device not changed within a session")
                .unknown("no device stated here or with the last payment"),
            Signal::first_time("device_change").rank(0),
        )
        .groups(&["device"]),
        Feature::new(
            "device_days_known",
            "days",
            "t - the user's first transaction from this device; unknown if new",
            Words::number(Form::Days, "on a device first seen {} ago")
                .unknown("no earlier payment of this user on this device"),
            Signal::low("device", 2.0, 1.0).rank(0).personal().needs("user_days_known", 3.0),
        )
        .groups(&["device"]),
        Feature::new(
            "known_device_count",
            "devices",
            "the user's known devices (at most 16)",
            Words::number(Form::Count, "{} devices known for this user").unknown("no device stated"),
            Signal::never("device"),
        )
        .groups(&["device"]),
        Feature::new(
            "is_new_ip",
            "flag",
            "1 if the IP address is not among the user's known addresses",
            Words::flag("first payment from this IP address", "an IP address known for this user")
                .unknown("no IP address stated"),
            Signal::first_time("ip"),
        )
        .groups(&["ip"]),
        Feature::new(
            "ip_changed",
            "flag",
            "1 if the last transaction came from another IP address",
            Words::flag("another IP address than the last payment", "same IP address as the last payment")
                .unknown("no IP address stated here or with the last payment"),
            Signal::first_time("ip").rank(3),
        )
        .groups(&["ip"]),
        Feature::new(
            "device_blacklisted",
            "flag",
            "1 if the device is blacklisted or on the block list; unknown without device",
            Words::flag("device is on the block list", "device is on no block list").unknown("no device stated"),
            Signal::flag("block_list"),
        )
        .groups(&["device"]),
        Feature::new(
            "device_registered_days",
            "days",
            "t - the device's registration; unknown if not registered by then",
            Words::number(Form::Days, "device registered {} ago").unknown("no registration of this device known"),
            Signal::low("device", 14.0, 3.0).rank(2),
        )
        .groups(&["device", "device_profile"]),
    ]
}

fn compute(context: &Context, out: &mut [f64]) {
    let Context { entry, habits, previous, time_ms, .. } = *context;
    let has_device = context.transaction.device_id.is_some();
    let has_address = context.transaction.ip_address.is_some();
    let days_since = |moment_ms: i64| (time_ms - moment_ms) as f64 / DAY_MS as f64;
    let if_device = |value: f64| if has_device { value } else { f64::NAN };

    let first_ms = habits.devices.first_seen_ms(entry.device);
    let device_changed = changed(previous.and_then(|previous| previous.device), entry.device);
    let is_another_session = previous.is_some_and(|previous| time_ms - previous.timestamp_ms > SESSION_GAP_MS);
    let is_listed = context.device_listed || context.device.is_some_and(|device| device.blacklisted == Some(true));
    let registered_ms = context.device.and_then(|device| device.registered_at).filter(|moment| *moment <= time_ms);
    out.copy_from_slice(&[
        if_device(flag(first_ms.is_none())),
        device_changed,
        if is_another_session && has_device { 0.0 } else { device_changed },
        known(first_ms.map(days_since)),
        if_device(habits.devices.len() as f64),
        if has_address { flag(!habits.ip_addresses.contains(entry.ip_address)) } else { f64::NAN },
        changed(previous.and_then(|previous| previous.ip_address), entry.ip_address),
        if_device(flag(is_listed)),
        known(registered_ms.map(days_since)),
    ]);
}
