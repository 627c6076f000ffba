"""The SDK: decisions on payments, by HTTP from the API or by the scorer in this process. docs/sdk.md has examples."""

from client.asynchronous import AsyncFraudDetector
from client.detector import FraudDetector
from client.errors import (
    ApiError,
    CannotOpen,
    Closed,
    EventRefused,
    FraudDetectorError,
    NotAuthorized,
    OtherContent,
    RateLimited,
    TimedOut,
    Unavailable,
)
from client.results import Erased, Held, Prediction, Reason
from client.settings import EmbeddedSettings

__all__ = [
    "ApiError",
    "AsyncFraudDetector",
    "CannotOpen",
    "Closed",
    "EmbeddedSettings",
    "Erased",
    "EventRefused",
    "FraudDetector",
    "FraudDetectorError",
    "Held",
    "NotAuthorized",
    "OtherContent",
    "Prediction",
    "RateLimited",
    "Reason",
    "TimedOut",
    "Unavailable",
]
