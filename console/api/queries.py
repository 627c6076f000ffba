"""Parameters of the reading routes, with their ranges. Unknown ones are refused: a misspelt filter would be none."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from console.store.rows import AlertFilters, DecisionFilters
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.outputs import Action, Flag, Tag

MOST_ITEMS = 500
DEFAULT_ITEMS = 50
_ID = r"^[!-~]{1,64}$"
_TEXT = r"^[^\x00-\x1f\x7f]{1,200}$"

Id = Annotated[str, Field(pattern=_ID, description="an id, as in the events")]
TimeMs = Annotated[int, Field(ge=0, le=MAX_TIMESTAMP_MS, description="epoch milliseconds UTC")]
Score = Annotated[int, Field(ge=0, le=1000, description="risk score")]
UserIdInPath = Annotated[str, Path(pattern=_ID, description="an id, as in the events")]
DecisionIdInPath = Annotated[str, Path(pattern=r"^[0-9a-f]{1,64}$", description="as in the decision")]


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: Annotated[str, Field(pattern=r"^[!-~]{1,500}$")] | None = Field(
        default=None, description="`next_cursor` of the page before; none for the first page"
    )
    limit: int = Field(default=DEFAULT_ITEMS, ge=1, le=MOST_ITEMS, description="most items of the page")


class DecisionQuery(PageQuery):
    """Which decisions; all conditions must hold."""

    from_ms: TimeMs | None = Field(default=None, description="event time from here on, epoch milliseconds UTC")
    to_ms: TimeMs | None = Field(default=None, description="event time before this, epoch milliseconds UTC")
    user_id: Id | None = None
    transaction_id: Id | None = None
    action: Action | None = None
    min_score: Score | None = None
    max_score: Score | None = None
    rule: Id | None = Field(default=None, description="id of a rule that hit")
    bundle: Id | None = Field(default=None, description="version of the bundle")
    flag: Flag | None = None
    tag: Tag | None = None
    text: Annotated[str, Field(pattern=_TEXT)] | None = Field(default=None, description="words in the reasons")

    def filters(self) -> DecisionFilters:
        """The conditions as the store takes them."""
        return DecisionFilters(**self.model_dump(exclude={"cursor", "limit"}))


class AlertQuery(PageQuery):
    """Which alerts, or which flags; all conditions must hold."""

    from_ms: TimeMs | None = Field(default=None, description="event time from here on, epoch milliseconds UTC")
    to_ms: TimeMs | None = Field(default=None, description="event time before this, epoch milliseconds UTC")
    user_id: Id | None = None
    action: Action | None = None
    flag: Flag | None = None
    kind: Literal["alert", "flag"] = Field(default="alert", description="alerts, or flags without an action")

    def filters(self) -> AlertFilters:
        """The conditions as the store takes them."""
        return AlertFilters(**self.model_dump(exclude={"cursor", "limit"}))
