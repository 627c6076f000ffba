//! All features by family, in the model's input order.
//!
//! A family is a file of this folder: name, unit, formula, groups, words and code of its features side by side. Adding
//! one to `FAMILIES` adds the family; the order is that of the families' names.

pub mod amount;
pub mod attribute;
pub mod category;
pub mod channel;
pub mod device;
pub mod entity;
pub mod feature;
pub mod geography;
pub mod habit;
pub mod login;
pub mod merchant;
pub mod money_flow;
pub mod network;
pub mod profile;
pub mod session;
pub mod shared;
pub mod signal;
pub mod time_of_day;
pub mod values;
pub mod velocity;

use std::sync::LazyLock;

use crate::attributes::Attribute;
use crate::context::Context;
use feature::Feature;

/// What a file of features gives. `compute` writes one value for each of `features`, in their order; NaN is what is not
/// known. `out` is exactly as long as `features`.
#[derive(Clone, Copy)]
pub struct Family {
    pub name: &'static str,
    pub features: fn() -> Vec<Feature>,
    pub compute: fn(context: &Context, out: &mut [f64]),
}

/// In the order of their names.
pub const FAMILIES: &[Family] = &[
    amount::FAMILY,
    category::FAMILY,
    channel::FAMILY,
    device::FAMILY,
    geography::FAMILY,
    habit::FAMILY,
    login::FAMILY,
    merchant::FAMILY,
    money_flow::FAMILY,
    network::FAMILY,
    profile::FAMILY,
    session::FAMILY,
    shared::FAMILY,
    time_of_day::FAMILY,
    velocity::FAMILY,
];

/// Every feature of every family, in input order.
pub static FEATURES: LazyLock<Vec<Feature>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|family| (family.features)()).collect());

static WIDTHS: LazyLock<Vec<usize>> =
    LazyLock::new(|| FAMILIES.iter().map(|family| (family.features)().len()).collect());

/// How many features all families have.
pub fn width() -> usize {
    FEATURES.len()
}

/// How many there are with those of a bank's own attributes.
pub fn width_with(attributes: &[Attribute]) -> usize {
    width() + attribute::features_of(attributes).len()
}

/// All features of one transaction, those of a bank's own attributes last; `out` is `width_with` its attributes long.
pub fn compute_all(context: &Context, out: &mut [f64]) {
    compute_families(context, out);
    if let Some(own) = out.get_mut(width()..) {
        attribute::compute(context, own);
    }
}

/// Every family's features of one transaction. What `out` has beyond `width()` is left as it is.
pub fn compute_families(context: &Context, out: &mut [f64]) {
    let mut rest = out;
    for (family, width) in FAMILIES.iter().zip(WIDTHS.iter()) {
        let Some((mine, others)) = rest.split_at_mut_checked(*width) else { return };
        (family.compute)(context, mine);
        rest = others;
    }
}
