//! Merchants, devices, beneficiaries, IP addresses and whole categories of payments: what others did with them.

pub mod broad;
pub mod buckets;
pub mod history;
pub mod kinds;
pub mod names;
pub mod risk;
