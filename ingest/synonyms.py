"""Which foreign column names usually mean which field of ours: small letters, no punctuation."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOISE_WORDS = frozenset({"tx", "txn", "trx", "trans", "transaction", "event", "the", "col"})

MERCHANT_LATITUDES = ("merchlat", "merchantlat", "merchantlatitude", "merchlatitude")
MERCHANT_LONGITUDES = (
    "merchlong", "merchlon", "merchantlong", "merchantlon", "merchantlongitude", "merchlongitude",
)  # fmt: skip
SYNONYMS: dict[str, tuple[str, ...]] = {
    "transaction_id": (
        "transactionid", "txid", "txnid", "trxid", "transid", "transnum", "transactionnumber", "paymentid",
        "referencenumber", "id", "number",
    ),
    "event_id": ("eventid", "loginid", "changeid", "caseid", "labelid", "id"),
    "user_id": (
        "userid", "customerid", "custid", "clientid", "accountid", "accountnumber", "cardholderid", "ccnum",
        "cardnumber", "nameorig", "user", "customer", "client", "account", "custno", "customernumber",
    ),
    "timestamp": (
        "timestamp", "datetime", "unixtime", "epoch", "transdatetranstime", "time", "date", "ts", "occurredat",
        "createdat", "eventtime", "dateandtime", "logintime", "changedat", "bookingtime", "when",
    ),
    "known_at": (
        "knownat", "labeltime", "labeldate", "reportedat", "reportdate", "chargebackdate", "resolvedat",
        "closedat",
    ),
    "amount": ("amount", "amt", "value", "sum", "price", "total", "amountusd", "amounteur"),
    "currency": ("currency", "currencycode", "ccy"),
    "kind": ("kind", "transactionkind"),
    "auth_result": ("authresult", "authorizationresult", "authstatus"),
    "merchant_id": (
        "merchantid", "terminalid", "storeid", "shopid", "merchant", "merchantname", "namedest", "terminal", "shop", "store",
    ),
    "merchant_category": ("merchantcategory", "mcc", "merchantcategorycode", "categorycode", "category"),
    "merchant_country": ("merchantcountry", "merchantcountrycode"),
    "channel": ("channel", "transactionchannel"),
    "entry_mode": ("entrymode", "usechip", "posentrymode"),
    "device_id": ("deviceid", "device", "devicefingerprint", "fingerprint"),
    "session_id": ("sessionid", "session"),
    "card_id": ("cardid", "card", "cardtoken"),
    "ip_address": ("ipaddress", "ip", "ipaddr", "sourceip", "clientip"),
    "latitude": ("latitude", "lat", *MERCHANT_LATITUDES),
    "longitude": ("longitude", "long", "lon", "lng", *MERCHANT_LONGITUDES),
    "city": ("city", "town", "location"),
    "country": ("country", "countrycode"),
    "otp_used": ("otpused", "otp"),
    "beneficiary_id": ("beneficiaryid", "beneficiary", "payeeid", "recipientid", "destinationaccount"),
    "email_domain": ("emaildomain", "pemaildomain", "domain"),
    "distance_from_home_km": ("distancefromhome", "distancefromhomekm", "kmfromhome"),
    "account_tenure_months": ("accounttenure", "tenuremonths", "accountagemonths"),
    "txns_last_1h": ("txnslasthour", "transactionslast1h", "transactionslasthour", "txncount1h"),
    "success": ("success", "succeeded", "loginsuccess", "issuccessful"),
    "old_status": ("oldstatus", "statusbefore", "previousstatus"),
    "new_status": ("newstatus", "statusafter", "status"),
    "reason": ("reason", "changereason"),
    "audit_user": ("audituser", "changedby", "operator", "modifiedby"),
    "is_fraud": (
        "isfraud", "fraud", "fraudlabel", "fraudflag", "fraudulent", "isfraudulent", "label", "target", "class",
    ),
    "pattern": ("fraudscenario", "scenario", "fraudtype", "fraudpattern", "pattern"),
    "resolution_code": ("resolutioncode", "resolution", "outcome"),
    "home_latitude": ("homelatitude", "homelat", "latitude", "lat"),
    "home_longitude": ("homelongitude", "homelon", "homelong", "longitude", "long", "lon"),
    "home_country": ("homecountry", "country", "countrycode"),
    "timezone": ("timezone", "tz"),
    "kyc_level": ("kyclevel", "kyc"),
    "account_opened_at": ("accountopenedat", "accountopendate", "opendate", "openedat", "signupdate", "createdat"),
    "date_of_birth": ("dateofbirth", "birthdate", "dob", "birthday"),
    "credit_limit": ("creditlimit", "limit"),
    "avg_monthly_spend": ("avgmonthlyspend", "averagemonthlyspend", "monthlyspend"),
    "is_vip": ("isvip", "vip"),
    "prior_fraud_count": ("priorfraudcount", "priorfrauds"),
    "last_unblocked_at": ("lastunblockedat", "lastunblockdate", "unblockedat"),
    "risk_score_history": ("riskscorehistory",),
    "address_history": ("addresshistory",),
    "first_seen_at": ("firstseenat", "firstseen", "createdat"),
    "blacklisted": ("blacklisted", "isblacklisted", "blocked"),
    "registered_at": ("registeredat", "registrationdate", "registered"),
    "last_used_at": ("lastusedat", "lastused"),
    "is_active": ("isactive", "active"),
    "ip_risk_score": ("ipriskscore", "riskscore", "score"),
    "vpn": ("vpn", "isvpn", "vpnflag"),
    "type": ("type", "listtype", "entitytype"),
    "value": ("value", "entity", "blockedvalue"),
    "reason_code": ("reasoncode", "reason"),
    "source_system": ("sourcesystem", "source"),
    "expires_at": ("expiresat", "expiry", "expirydate", "validuntil"),
}  # fmt: skip


# Beside the merchant's place these are of the user's home, not of the transaction.
HOME_COLUMNS = frozenset({"latitude", "lat", "longitude", "long", "lon", "lng", "city", "town", "location", "country"})


# Columns of a bank's own that are often there and say something: what they are called as attributes, and their type.
ATTRIBUTE_COLUMNS: dict[str, tuple[str, str]] = {
    "gender": ("gender", "text"), "sex": ("gender", "text"),
    "job": ("job", "text"), "occupation": ("job", "text"), "profession": ("job", "text"),
    "state": ("state", "text"), "province": ("state", "text"), "region": ("region", "text"),
    "citypop": ("city_pop", "number"), "citypopulation": ("city_pop", "number"),
    "cardtype": ("card_type", "text"), "cardbrand": ("card_brand", "text"), "accounttype": ("account_type", "text"),
    "segment": ("segment", "text"), "customersegment": ("segment", "text"), "maritalstatus": ("marital_status", "text"),
    "income": ("income", "number"), "yearlyincome": ("income", "number"), "annualincome": ("income", "number"),
    "creditscore": ("credit_score", "number"),
}  # fmt: skip


def attribute_columns(columns: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Attribute -> its column and type, of those of the columns that are known as attributes."""
    found: dict[str, tuple[str, str]] = {}
    for column in columns:
        known = ATTRIBUTE_COLUMNS.get("".join(_words(column)))
        if known is not None:
            found.setdefault(known[0], (column, known[1]))
    return found


def closeness(column: str, field_name: str) -> int:
    """How well a column's name fits a field: 0 not at all; more is better, and the earlier synonyms are better."""
    names = (field_name.replace("_", ""), *SYNONYMS.get(field_name, ()))
    words = _words(column)
    whole = "".join(words)
    if whole in names:
        return 200 - names.index(whole)
    meaningful = "".join(word for word in words if word not in _NOISE_WORDS)
    return 100 - names.index(meaningful) if meaningful in names else 0


def home_columns(columns: Iterable[str]) -> list[str]:
    """Of a table of transactions those that tell where the user lives: none where no column has the merchant's place."""
    columns = list(columns)
    merchant_places = {*MERCHANT_LATITUDES, *MERCHANT_LONGITUDES}
    if not any("".join(_words(column)) in merchant_places for column in columns):
        return []
    return [column for column in columns if "".join(_words(column)) in HOME_COLUMNS]


def _words(column: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(column)]
