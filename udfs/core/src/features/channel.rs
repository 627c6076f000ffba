//! How the payment was made.

use crate::context::Context;
use crate::events::TransactionKind;
use crate::features::Family;
use crate::features::feature::{Feature, Words};
use crate::features::signal::Signal;
use crate::features::values::{flag, known};

pub const FAMILY: Family = Family { name: "channel", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "is_online_channel",
            "flag",
            "1 if the channel is one of app, ecommerce, mobile, online, upi, web",
            Words::flag("online payment", "not an online payment").unknown("no channel stated"),
            Signal::common_flag("way_of_payment").rank(4).read_from("channel"),
        )
        .groups(&["channel"]),
        Feature::new(
            "is_atm_channel",
            "flag",
            "1 if the channel is atm",
            Words::flag("cash withdrawal at a machine", "not a cash machine").unknown("no channel stated"),
            Signal::common_flag("way_of_payment").read_from("channel"),
        )
        .groups(&["channel"]),
        Feature::new(
            "is_transfer_channel",
            "flag",
            "1 if the channel is one of p2p, transfer, upi, wire",
            Words::flag("transfer", "not a transfer").unknown("no channel stated"),
            Signal::common_flag("way_of_payment").rank(3).read_from("channel"),
        )
        .groups(&["channel"]),
        Feature::new(
            "is_manual_entry",
            "flag",
            "1 if the entry mode is manual",
            Words::flag("card number entered by hand", "card number not entered by hand")
                .unknown("no entry mode stated"),
            Signal::common_flag("entry_mode").rank(1).read_from("entry_mode"),
        )
        .groups(&["entry_mode"]),
        Feature::new(
            "is_magstripe_entry",
            "flag",
            "1 if the entry mode is magstripe",
            Words::flag("card read by magnetic stripe", "no magnetic stripe").unknown("no entry mode stated"),
            Signal::common_flag("entry_mode").rank(1).read_from("entry_mode"),
        )
        .groups(&["entry_mode"]),
        Feature::new(
            "used_otp",
            "flag",
            "1 if a one-time password was used",
            Words::flag("without one-time password", "one-time password used")
                .unknown("not stated whether a one-time password was used"),
            Signal::absent_flag("authentication"),
        )
        .groups(&["otp"]),
        Feature::new(
            "is_cash_category",
            "flag",
            "1 if the merchant category is 6011",
            Words::flag("cash withdrawal", "not a cash withdrawal").unknown("no merchant category stated"),
            Signal::common_flag("way_of_payment").read_from("merchant_category"),
        )
        .groups(&["category"]),
        Feature::new(
            "is_high_risk_category",
            "flag",
            "1 if the category is one of 4829, 5732, 5944, 5999, 6051, 7995",
            Words::flag("high-risk merchant category", "not a high-risk merchant category")
                .unknown("no merchant category stated")
                .field("merchant_category"),
            Signal::flag("way_of_payment").rank(2).read_from("merchant_category"),
        )
        .groups(&["category"]),
        Feature::new(
            "is_refund",
            "flag",
            "1 for a refund or reversal",
            Words::flag("a refund", "not a refund"),
            Signal::common_flag("refunds").rank(3),
        ),
    ]
}

const ONLINE_CHANNELS: [&str; 6] = ["app", "ecommerce", "mobile", "online", "upi", "web"];
const TRANSFER_CHANNELS: [&str; 4] = ["p2p", "transfer", "upi", "wire"];
const CASH_CATEGORY: &str = "6011";
/// Wire transfer, electronics, jewellery, miscellaneous retail, quasi-cash, gambling.
const HIGH_RISK_CATEGORIES: [&str; 6] = ["4829", "5732", "5944", "5999", "6051", "7995"];

fn compute(context: &Context, out: &mut [f64]) {
    let transaction = context.transaction;
    let channel = transaction.channel.as_deref();
    let entry_mode = transaction.entry_mode.as_deref();
    let category = transaction.merchant_category.as_deref();
    out.copy_from_slice(&[
        known(channel.map(|channel| flag(ONLINE_CHANNELS.contains(&channel)))),
        known(channel.map(|channel| flag(channel == "atm"))),
        known(channel.map(|channel| flag(TRANSFER_CHANNELS.contains(&channel)))),
        known(entry_mode.map(|mode| flag(mode == "manual"))),
        known(entry_mode.map(|mode| flag(mode == "magstripe"))),
        known(transaction.otp_used.map(flag)),
        known(category.map(|category| flag(category == CASH_CATEGORY))),
        known(category.map(|category| flag(HIGH_RISK_CATEGORIES.contains(&category)))),
        flag(transaction.kind != TransactionKind::Purchase),
    ]);
}
