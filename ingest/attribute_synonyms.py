"""Common columns that map to no field but are useful as attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest.synonyms import plain_name
from udfs.records.attribute_values import MAX_ATTRIBUTES

ATTRIBUTE_COLUMNS: dict[str, tuple[str, str]] = {
    "gender": ("gender", "text"), "sex": ("gender", "text"), "custgender": ("gender", "text"),
    "age": ("age", "number"), "customerage": ("age", "number"),
    "job": ("job", "text"), "occupation": ("job", "text"), "profession": ("job", "text"),
    "customeroccupation": ("job", "text"), "employmentstatus": ("employment_status", "text"),
    "housingstatus": ("housing_status", "text"),
    "state": ("state", "text"), "province": ("state", "text"), "region": ("region", "text"),
    "merchantstate": ("merchant_state", "text"),
    "citypop": ("city_pop", "number"), "citypopulation": ("city_pop", "number"),
    "cardtype": ("card_type", "text"), "cardbrand": ("card_brand", "text"), "accounttype": ("account_type", "text"),
    "card4": ("card_brand", "text"), "card6": ("card_type", "text"), "productcd": ("product", "text"),
    "segment": ("segment", "text"), "customersegment": ("segment", "text"), "maritalstatus": ("marital_status", "text"),
    "income": ("income", "number"), "yearlyincome": ("income", "number"), "annualincome": ("income", "number"),
    "creditscore": ("credit_score", "number"), "creditriskscore": ("credit_score", "number"),
    "type": ("transaction_type", "text"), "txtype": ("transaction_type", "text"),
    "transactiontype": ("transaction_type", "text"),
    "paymenttype": ("payment_type", "text"), "paymentformat": ("payment_format", "text"),
    "frombank": ("from_bank", "text"), "senderbank": ("from_bank", "text"),
    "tobank": ("to_bank", "text"), "receiverbank": ("to_bank", "text"),
    "oldbalanceorg": ("balance_before", "number"), "oldbalancedest": ("receiver_balance_before", "number"),
    "accountbalance": ("account_balance", "number"), "custaccountbalance": ("account_balance", "number"),
    "addr1": ("billing_region", "text"), "addr2": ("billing_country", "text"),
    "dist1": ("distance", "number"), "remaildomain": ("receiver_email_domain", "text"),
    "senderstate": ("state", "text"), "devicetype": ("device_type", "text"), "deviceos": ("device_os", "text"),
    "networktype": ("network_type", "text"), "loginattempts": ("login_attempts", "number"),
}  # fmt: skip
"""Plain name of a column -> attribute and its type."""


def attribute_columns(columns: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """Attribute -> (column, type), for the columns listed in ATTRIBUTE_COLUMNS; at most as many as an event can have."""
    found: dict[str, tuple[str, str]] = {}
    for column in columns:
        known = ATTRIBUTE_COLUMNS.get(plain_name(column))
        if known is not None and len(found) < MAX_ATTRIBUTES:
            found.setdefault(known[0], (column, known[1]))
    return found
