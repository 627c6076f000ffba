//! The amount itself.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::features::values::flag;
use crate::maths::log1p;

pub const FAMILY: Family = Family { name: "amount", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "amount",
            "base currency",
            "amount in major units of the base currency, from integer minor units",
            Words::number(Form::Money, "amount {}").or_if_low("an amount of only {}"),
            Signal::amount("amount", 0.0, f64::INFINITY).rank(4),
        ),
        Feature::new(
            "amount_log",
            "ln(base currency)",
            "ln(1 + amount)",
            Words::number(Form::Number, "size of the amount {}"),
            Signal::never("amount"),
        ),
        Feature::new(
            "amount_minor_part",
            "share",
            "fraction of a major unit: amount modulo 1",
            Words::number(Form::Percent, "{} of a major unit after the decimal point"),
            Signal::never("amount"),
        ),
        Feature::new(
            "amount_is_round_hundred",
            "flag",
            "1 if the amount is a multiple of 100",
            Words::flag("round amount", "amount is not round"),
            Signal::common_flag("round_amount"),
        ),
    ]
}

fn compute(context: &Context, out: &mut [f64]) {
    let (minor, scale) = (context.minor, context.scale as u64);
    let is_round = minor > 0 && minor.is_multiple_of(100 * scale);
    out.copy_from_slice(&[
        context.amount,
        log1p(context.amount),
        (minor % scale) as f64 / scale as f64,
        flag(is_round),
    ]);
}
