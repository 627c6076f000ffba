//! What the names are about that rules may use beside features.

/// The concept of a field of the event or of a figure of the population; `None` where it is about none.
pub fn concept_of_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "count" => "velocity",
        "amount_sum" => "spend",
        "merchant_id" => "merchant",
        "merchant_category" | "channel" => "way_of_payment",
        "merchant_country" => "merchant_country",
        "entry_mode" => "entry_mode",
        "device_id" => "device",
        "ip_address" => "ip",
        "city" | "country" | "latitude" | "longitude" | "population_km_from_home_p90" => "place",
        "beneficiary_id" => "beneficiary",
        "email_domain" => "email_domain",
        "otp_used" => "authentication",
        "kind" => "refunds",
        "auth_result" => "declines",
        "original_amount" | "population_amount_p95" => "amount",
        "timestamp" => "time_of_day",
        "city_fraud_rate" => "city_risk",
        _ => return None,
    })
}
