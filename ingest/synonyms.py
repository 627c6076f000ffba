"""Common foreign column names of each field, in lower case without punctuation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ingest.currency_names import is_iso_currency

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOISE_WORDS = frozenset({"tx", "txn", "trx", "trans", "transaction", "event", "the", "col"})

MERCHANT_LATITUDES = ("merchlat", "merchantlat", "merchantlatitude", "merchlatitude")
MERCHANT_LONGITUDES = (
    "merchlong", "merchlon", "merchantlong", "merchantlon", "merchantlongitude", "merchlongitude",
)  # fmt: skip
MERCHANT_CITIES = ("merchantcity", "merchcity")
SYNONYMS: dict[str, tuple[str, ...]] = {
    "transaction_id": (
        "transactionid", "txid", "txnid", "trxid", "transid", "transnum", "transactionnumber", "paymentid",
        "referencenumber", "tranid", "receiptno", "receiptnumber", "id", "number",
    ),
    "event_id": ("eventid", "loginid", "changeid", "caseid", "labelid", "id"),
    "user_id": (
        "userid", "customerid", "custid", "clientid", "accountid", "accountnumber", "cardholderid", "ccnum",
        "cardnumber", "nameorig", "user", "customer", "client", "account", "custno", "customernumber", "senderupiid",
        "senderid", "senderaccount", "senderaccountid", "sender", "fromaccount", "originaccount", "payerid", "payer",
        "cardno", "creditcardnumber", "upinumber", "initiator", "origacct", "origaccount", "card1",
    ),
    "timestamp": (
        "timestamp", "datetime", "unixtime", "epoch", "transdatetranstime", "time", "date", "ts", "occurredat",
        "createdat", "eventtime", "dateandtime", "logintime", "changedat", "bookingtime", "when", "changetimestamp",
        "trantimestamp", "transactionstarttime", "purchasetime", "completiontime", "dt", "step", "month",
    ),
    "known_at": (
        "knownat", "labeltime", "labeldate", "reportedat", "reportdate", "chargebackdate", "resolvedat",
        "closedat",
    ),
    "amount": (
        "amount", "amt", "value", "sum", "price", "total", "amountusd", "amounteur", "amountpaid", "paidamount",
        "amountsent", "baseamt", "baseamount", "purchasevalue", "proposedcreditlimit",
    ),
    "currency": ("currency", "currencycode", "ccy", "paymentcurrency"),
    "kind": ("kind", "transactionkind", "transactiontype"),
    "auth_result": ("authresult", "authorizationresult", "authstatus", "transactionstatus", "status"),
    "merchant_id": (
        "merchantid", "terminalid", "storeid", "shopid", "merchant", "merchantname", "terminal", "shop", "store",
    ),
    "merchant_category": ("merchantcategory", "mcc", "merchantcategorycode", "categorycode", "category"),
    "merchant_country": ("merchantcountry", "merchantcountrycode"),
    "channel": ("channel", "transactionchannel"),
    "entry_mode": ("entrymode", "usechip", "posentrymode"),
    "device_id": ("deviceid", "devicefingerprint", "fingerprint", "device"),
    "session_id": ("sessionid", "session"),
    "card_id": ("cardid", "card", "cardtoken"),
    "ip_address": ("ipaddress", "ip", "ipaddr", "sourceip", "clientip"),
    "latitude": ("latitude", "lat", *MERCHANT_LATITUDES),
    "longitude": ("longitude", "long", "lon", "lng", *MERCHANT_LONGITUDES),
    "city": (*MERCHANT_CITIES, "city", "town", "location"),
    "country": ("country", "countrycode"),
    "otp_used": ("otpused", "otp"),
    "beneficiary_id": (
        "beneficiaryid", "beneficiary", "payeeid", "recipientid", "destinationaccount",
        "namedest", "receiverupiid", "receiverid", "receiveraccount", "receiveraccountid", "receiver", "toaccount", "payee",
        "account1", "recipient", "beneacct", "beneaccount",
    ),
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
        "fraudbool", "fraudindicator", "islaundering", "laundering", "fraudrisk", "fraudresult", "issar",
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
    "type": ("type", "listtype", "entitytype", "blocktype", "blockedtype"),
    "value": ("value", "entity", "blockedvalue", "blockedid", "blockedentity"),
    "reason_code": ("reasoncode", "reason"),
    "source_system": ("sourcesystem", "source"),
    "expires_at": ("expiresat", "expiry", "expirydate", "validuntil", "blockeduntil"),
}  # fmt: skip


# Columns that stand for a field only where nothing better is there: what a guess assumes by taking one.
STAND_INS = {
    "card1": "assumed: this part of the card's number stands for its user; the table has no id of users",
    "proposedcreditlimit": "assumed: the limit applied for stands for an amount; the table has no payments",
}
# Next to columns of the merchant's location these describe the user's home, not the transaction.
HOME_COLUMNS = frozenset({"latitude", "lat", "longitude", "long", "lon", "lng", "city", "town", "location", "country"})
_IN_BRACKETS = re.compile(r"[(\[].*?[)\]]")


def closeness(column: str, field_name: str) -> int:
    """How well a column's name matches a field: 0 for no match, higher is better; earlier synonyms score higher.

    What is in brackets does not count, nor does a currency behind an amount.
    """
    names = (field_name.replace("_", ""), *SYNONYMS.get(field_name, ()))
    words = words_of(_IN_BRACKETS.sub(" ", column))
    whole = "".join(words)
    if whole in names:
        return 200 - names.index(whole)
    if field_name == "amount" and words and is_iso_currency(words[-1].upper()):
        words = words[:-1]
    meaningful = "".join(word for word in words if word not in _NOISE_WORDS)
    return 100 - names.index(meaningful) if meaningful in names else 0


def home_columns(columns: Iterable[str]) -> list[str]:
    """Columns of a transaction table that hold the user's home; none unless there are columns of the merchant's location."""
    columns = list(columns)
    merchant_places = {*MERCHANT_LATITUDES, *MERCHANT_LONGITUDES, *MERCHANT_CITIES}
    if not any(plain_name(column) in merchant_places for column in columns):
        return []
    return [column for column in columns if plain_name(column) in HOME_COLUMNS]


def plain_name(column: str) -> str:
    """A column's name as SYNONYMS has it: in lower case, without punctuation."""
    return "".join(words_of(column))


def words_of(column: str) -> list[str]:
    """The words of a column's name in any style, in lower case."""
    return [word.lower() for word in _WORD.findall(column)]
