"""Which foreign column names usually mean which field of ours: small letters, no punctuation."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOISE_WORDS = frozenset({"tx", "txn", "trx", "trans", "transaction", "event", "the", "col"})

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
        "timestamp", "datetime", "transdatetranstime", "time", "date", "ts", "occurredat", "createdat", "eventtime",
        "dateandtime", "logintime", "changedat", "bookingtime", "when",
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
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "long", "lon", "lng"),
    "city": ("city", "town", "location"),
    "country": ("country", "countrycode"),
    "otp_used": ("otpused", "otp"),
    "beneficiary_id": ("beneficiaryid", "beneficiary", "payeeid", "recipientid", "destinationaccount"),
    "email_domain": ("emaildomain", "pemaildomain", "domain"),
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


def closeness(column: str, field_name: str) -> int:
    """How well a column's name fits a field: 0 not at all; more is better, and the earlier synonyms are better."""
    names = (field_name.replace("_", ""), *SYNONYMS.get(field_name, ()))
    words = [word.lower() for word in _WORD.findall(column)]
    whole = "".join(words)
    if whole in names:
        return 200 - names.index(whole)
    meaningful = "".join(word for word in words if word not in _NOISE_WORDS)
    return 100 - names.index(meaningful) if meaningful in names else 0
