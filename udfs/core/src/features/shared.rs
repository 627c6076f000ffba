//! The device, the beneficiary and the IP address as others have used them: their own history as of the moment.
//!
//! Whole hours only, from 5 minutes after their end: what others did in the running hour isn't in it. A week's users are
//! exact up to 50,000 of them (`max_users` of the entity aggregates).

use crate::context::Context;
use crate::entities::risk::{EntityRisk, LONG_RISK_DAYS};
use crate::features::Family;
use crate::features::entity::{fraud_rate, frauds_reported, use_by_others};
use crate::features::feature::Feature;

pub const FAMILY: Family = Family { name: "shared", features, compute };

/// Each kind, in the order of the context's risks, and the words for one of it.
const SHARED: [(&str, &str); 3] =
    [("device", "this device"), ("beneficiary", "this beneficiary"), ("ip", "this IP address")];
const OF_ENTITY: usize = 5;

fn features() -> Vec<Feature> {
    SHARED.into_iter().flat_map(|(kind, entity)| features_of(kind, entity)).collect()
}

fn features_of(kind: &'static str, entity: &str) -> [Feature; OF_ENTITY] {
    let [days] = LONG_RISK_DAYS;
    let [users_1d, users_7d, payments] = use_by_others(kind, entity, &format!("{kind}_sharing"), &[kind]);
    let rate = fraud_rate(kind, entity, days, kind, &[kind]).version(2);
    [users_1d, users_7d, payments, rate, frauds_reported(kind, entity, kind, &[kind])]
}

fn compute(context: &Context, out: &mut [f64]) {
    let risks = [&context.device_risk, &context.beneficiary_risk, &context.ip_risk];
    for (risk, values) in risks.into_iter().zip(out.chunks_exact_mut(OF_ENTITY)) {
        values.copy_from_slice(&risk.as_ref().map_or([f64::NAN; OF_ENTITY], of_entity));
    }
}

fn of_entity(risk: &EntityRisk) -> [f64; OF_ENTITY] {
    [
        risk.users_1d as f64,
        risk.users_7d as f64,
        risk.transactions_1d as f64,
        risk.fraud_rates.as_slice().first().copied().unwrap_or(f64::NAN),
        risk.frauds_reported_7d,
    ]
}
