"""How a changed rule set or list goes on: published, or proposed for another person to approve."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cli.control_options import description, now_ms, person_of, signing_key, signing_option
from cli.errors import UserError

if TYPE_CHECKING:
    from jobs.config.running_job import RunningJobConfig
    from jobs.control.channel import ControlChannel
    from udfs.control.elements import ControlElement
    from udfs.control.envelope import Proposal

_OPTIONS = (
    click.option(
        "--author", help="Who changes it; kept in the element.  [default: whose key signs, or the user of this machine]"
    ),
    signing_option,
    click.option("--backtest", metavar="ID", help="Id of the backtest that the change rests on."),
    click.option("--emergency", is_flag=True, help="In force without an approval, for a day at most."),
    click.option("--out", type=click.Path(path_type=Path), help="Do not publish: write a proposal to this file."),
    click.option("--store", "store_url", metavar="URL",
                 help="Do not publish: keep a proposal in the decision store of a console."),
)  # fmt: skip


class Sending(NamedTuple):
    """The options of `sending_options`."""

    author: str | None
    sign_with: str | None
    backtest: str | None
    emergency: bool
    out: Path | None
    store_url: str | None

    @property
    def is_proposal(self) -> bool:
        return self.out is not None or self.store_url is not None

    def person(self, config: RunningJobConfig) -> str:
        """Who changes it. Raises UserError for a key that cannot be read."""
        return person_of(self.author, signing_key(self.sign_with), config)


def sending_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator that adds the options; the command gets them as `sending`."""

    @wraps(command)
    def with_sending(**given: Any) -> Any:
        sending = Sending(**{name: given.pop(name) for name in Sending._fields})
        if sending.out is not None and sending.store_url is not None:
            raise UserError("give --out or --store, not both")
        return command(sending=sending, **given)

    wrapped: Callable[..., Any] = with_sending
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def send(
    element: ControlElement, sending: Sending, config_file: Path, config: RunningJobConfig, channel: ControlChannel
) -> None:
    """Publish an element that was checked, or propose it. Raises UserError, ControlError and ChannelError."""
    from cli.control_proposals import require_admitted
    from cli.control_store import propose_in_store
    from jobs.control.publishing import proposal_of
    from udfs.control.elements import encode_control

    key = signing_key(sending.sign_with)
    proposal = proposal_of(
        encode_control(element), sending.person(config), now_ms(), sending.backtest, sending.emergency, key
    )
    if sending.store_url is not None:
        return propose_in_store(config_file, sending.store_url, [proposal])
    if sending.out is not None:
        return propose_in_file(sending.out, [proposal])
    require_admitted(proposal, config)
    publish_one(proposal, channel)


def propose_in_file(out: Path, proposals: list[Proposal]) -> None:
    """Write proposals for another person to approve, and tell them. Raises UserError."""
    from cli.control_proposals import write_proposals
    from jobs.control.publishing import element_of

    write_proposals(out, proposals, replace=False)
    for one in proposals:
        content = one.authorship.element_sha256[:16]
        click.echo(f"proposed {description(element_of(one))}, content {content}, in {out}")


def publish_one(proposal: Proposal, channel: ControlChannel) -> None:
    """Send a proposal that was checked to the job, and tell it. Raises ChannelError."""
    from jobs.control.publishing import element_of, publication_of

    location = channel.append(publication_of(proposal, now_ms()))
    click.echo(f"published {description(element_of(proposal))} to {location}")
