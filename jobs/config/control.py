"""Who may change a running job: the part of a `control` section that all kinds share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from jobs.config.section import Section
from jobs.config.value_types import Takes
from udfs.control.authority import AuthoritySettings
from udfs.control.elements import ControlError
from udfs.control.signing import trusted_key
from udfs.values.time_units import HOUR_MS


def _trusted_key(text: str) -> str:
    try:
        trusted_key(text)
    except ControlError as error:
        raise ValueError(str(error)) from None
    return text


TrustedKeyTexts = Annotated[
    tuple[Annotated[str, AfterValidator(_trusted_key)], ...], Takes("list of `PERSON PUBLIC-KEY [for-others]`")
]
Kinds = Annotated[
    tuple[Annotated[str, StringConstraints(pattern="^[a-z][a-z-]{0,40}$")], ...], Takes("list of kinds of elements")
]


class GovernedSection(Section):
    """Signatures and approvals that the elements of a control stream need (docs/control.md)."""

    trusted_keys: TrustedKeyTexts = Field(
        default=(),
        description="public keys of those who may sign control elements, as `fraud control keygen` prints them; with any, "
        "unsigned elements are refused. A key with `for-others` may name other persons: that of a console",
    )
    approvals: Literal["none", "required"] = Field(
        default="none",
        description="`required`: an element needs the approval of another person than its author; an emergency publication "
        "is in force without one for `emergency_hours`",
    )
    approvals_except: Kinds = Field(
        default=(), description="kinds of elements that need no approval, for example `block-list`"
    )
    emergency_hours: float = Field(
        default=24, gt=0, le=24, description="how long an emergency publication is in force without an approval"
    )

    @model_validator(mode="after")
    def _keys_are_different(self) -> GovernedSection:
        keys = [trusted_key(text).key_id for text in self.trusted_keys]
        if len(set(keys)) < len(keys):
            raise ValueError("trusted_keys: a key is there twice: every person needs a key of their own")
        return self


def authority_settings(section: Section) -> AuthoritySettings:
    """What a job demands by its `control` section; nothing without a control stream."""
    if not isinstance(section, GovernedSection):
        return AuthoritySettings()
    return AuthoritySettings(
        trusted_keys=tuple(map(trusted_key, section.trusted_keys)),
        approvals_required=section.approvals == "required",
        approvals_except=section.approvals_except,
        emergency_ms=round(section.emergency_hours * HOUR_MS),
    )
