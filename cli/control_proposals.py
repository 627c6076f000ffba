"""Proposals of control elements: made of the options, read from files, and checked as the job checks them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.control_elements import Request, checked_elements, elements_of
from cli.control_options import now_ms, person_of, signing_key
from cli.errors import UserError
from jobs.config.control import authority_settings
from jobs.config.running_job import RunningJobConfig
from jobs.control.channel import Published
from jobs.control.publishing import element_of, proposal_of, record_of
from udfs.control.authority import Authority, NotAuthorised
from udfs.control.elements import ControlElement, ControlError, encode_control
from udfs.control.envelope import Proposal, decode_proposals, encode_proposals

MOST_BYTES = 50_000_000


def proposals_of(
    options: Mapping[str, Any], sign_with: str | None, config: RunningJobConfig, published: list[Published]
) -> list[Proposal]:
    """What the options ask for, each checked and signed. Raises UserError and ControlError."""
    fields = dict(options)
    backtest, emergency = fields.pop("backtest"), fields.pop("emergency")
    key = signing_key(sign_with)
    person = person_of(fields["author"], key, config)
    time_ms = now_ms()
    elements = elements_of(Request(**fields | {"author": person}), config, published, time_ms)
    return [proposal_of(encode_control(element), person, time_ms, backtest, emergency, key) for element in elements]


def proposed_elements(
    proposals: list[Proposal], config: RunningJobConfig, published: list[Published]
) -> list[ControlElement]:
    """The elements of a proposal file, checked against what is published now. Raises UserError and ControlError."""
    return checked_elements([element_of(one) for one in proposals], config, published, now_ms())


def require_admitted(proposal: Proposal, config: RunningJobConfig) -> None:
    """Refuse what the job would refuse. Raises UserError and ControlError."""
    authority = Authority(authority_settings(config.control))
    try:
        authority.check(record_of(proposal))
    except NotAuthorised as error:
        hint = ""
        if proposal.approval is None and "no approval" in str(error):
            hint = ": have another person approve it (`fraud control propose`, `approve`), or use --emergency"
        elif "did not sign" in str(error):
            hint = ": give --sign-with"
        raise UserError(f"{error}{hint}") from None


def read_proposals(file: Path) -> list[Proposal]:
    """Raises UserError."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UserError(f"{file}: more than {MOST_BYTES} bytes")
        return decode_proposals(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    except ControlError as error:
        raise UserError(f"{file} is no proposal of `fraud control propose`: {error}") from None


def write_proposals(file: Path, proposals: list[Proposal], replace: bool) -> None:
    """Write a file, or replace it as a whole. Raises UserError."""
    hidden = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if not replace and file.exists():
            raise UserError(f"{file} exists: name another file")
        hidden.write_bytes(encode_proposals(proposals))
        hidden.replace(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from None
