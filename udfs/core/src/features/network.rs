//! External feeds: what is known of the IP address and the e-mail domain.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::features::values::{flag, known};
use crate::time_units::DAY_MS;

pub const FAMILY: Family = Family { name: "network", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "ip_risk_score",
            "0 to 100",
            "the feed's risk of the IP address",
            Words::number(Form::Count, "the feed rates this IP address's risk {} of 100")
                .unknown("IP address not rated by the feed"),
            Signal::high("ip_feed", 40.0, 70.0),
        )
        .groups(&["ip", "feeds"]),
        Feature::new(
            "ip_is_vpn",
            "flag",
            "1 if the feed says that the address is a VPN's",
            Words::flag("IP address of a VPN", "IP address of no VPN")
                .unknown("the feed does not say whether the IP address is a VPN's"),
            Signal::flag("ip_feed").rank(2),
        )
        .groups(&["ip", "feeds"]),
        Feature::new(
            "email_domain_age_days",
            "days",
            "t - registration of the e-mail domain; unknown if registered after t",
            Words::number(Form::Days, "e-mail domain registered {} ago")
                .unknown("no registration of the e-mail domain known"),
            Signal::low("email_domain", 180.0, 30.0),
        )
        .groups(&["email", "feeds"]),
    ]
}

fn compute(context: &Context, out: &mut [f64]) {
    let time_ms = context.time_ms;
    let registered_ms = context.domain.and_then(|domain| domain.registered_at).filter(|moment| *moment <= time_ms);
    out.copy_from_slice(&[
        known(context.ip.and_then(|ip| ip.ip_risk_score)),
        known(context.ip.and_then(|ip| ip.vpn).map(flag)),
        known(registered_ms.map(|moment_ms| (time_ms - moment_ms) as f64 / DAY_MS as f64)),
    ]);
}
