"""Proposals of control elements in a console's decision store, where the API and the pages have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.control_options import CONFIG, confirm, description, now_ms, open_channel_of, person_of, signing_key
from cli.errors import UserError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from console.control_desk import ControlDesk
    from console.store.control import ProposalRow
    from jobs.config.running_job import RunningJobConfig
    from udfs.control.envelope import Proposal

LEAST_DIGITS = 16
MOST_LISTED = 100

store_option = click.option(
    "--store", "store_url", metavar="URL", help="Decision store of the console: its proposals, as the API has them."
)


@click.command(name="proposals", epilog="Example: fraud control proposals --config job.yaml --store sqlite:///FILE")
@CONFIG
@click.option("--store", "store_url", metavar="URL", required=True, help="Decision store of the console.")
def proposals(config_file: Path, store_url: str) -> None:
    """List the newest hundred proposals of a console's decision store, the newest first."""
    from jobs.control.publishing import element_of

    with desk_of(config_file, store_url, None) as (desk, _):
        for row in desk.proposals(MOST_LISTED):
            click.echo(
                f"{row.proposal_id}  {row.state}  {description(element_of(row.proposal))}, "
                f"content {row.proposal.authorship.element_sha256[:LEAST_DIGITS]}"
            )


@contextmanager
def desk_of(
    config_file: Path, store_url: str, key: Ed25519PrivateKey | None, *, make: bool = False
) -> Iterator[tuple[ControlDesk, RunningJobConfig]]:
    """What changes the job by way of the store; with `make` of a new one where there is none. Raises UserError for all that
    is refused."""
    from cli.console_keys import opened, who
    from console.control_desk import ControlDesk, NoSuchProposal
    from jobs.control.channel import ChannelError
    from udfs.control.elements import ControlError

    config, _ = open_channel_of(config_file)
    operator = who()
    with opened(store_url, make=make) as store:
        try:
            desk = ControlDesk(store, config, key, now_ms, lambda person: f"{person}, by {operator}")
            yield desk, config
        except (ControlError, ChannelError, NoSuchProposal) as error:
            raise UserError(str(error)) from None


def propose_in_store(config_file: Path, store_url: str, made: list[Proposal]) -> None:
    """Keep proposals for another person to approve. Raises UserError."""
    from jobs.control.publishing import element_of

    with desk_of(config_file, store_url, None, make=True) as (desk, _):
        for one in made:
            row = desk.keep(one)
            click.echo(
                f"proposed {description(element_of(one))}, content {one.authorship.element_sha256[:LEAST_DIGITS]}, "
                f"proposal {row.proposal_id}"
            )


def approve_in_store(
    config_file: Path, store_url: str, proposal_id: int, approver: str | None, backtest: str | None,
    sign_with: str | None, content: str | None, yes: bool,
) -> None:  # fmt: skip
    """Approve a proposal, or an emergency publication of one. `content`: what was looked at; without it the change is shown
    and asked about. Raises UserError."""
    from console.control_desk import ApprovalRequest
    from jobs.control.publishing import element_of

    key = signing_key(sign_with)
    with desk_of(config_file, store_url, key) as (desk, config):
        row = desk.proposal(proposal_id)
        authorship = row.proposal.authorship
        if content is None:
            confirm(_changes(row, config_file), yes, "approve", "approved")
        seen = _whole(content or authorship.element_sha256, authorship.element_sha256)
        person = person_of(approver, key, config)
        desk.approve(
            person, proposal_id, ApprovalRequest(element_sha256=seen, backtest=backtest or authorship.backtest)
        )
        click.echo(
            f"{person} approved {description(element_of(row.proposal))}, "
            f"content {authorship.element_sha256[:LEAST_DIGITS]}, proposal {proposal_id}"
        )


def publish_from_store(config_file: Path, store_url: str, proposal_id: int, yes: bool) -> None:
    """Send a proposal to the job. Raises UserError."""
    from console.control_desk import PublicationRequest
    from jobs.control.publishing import element_of

    with desk_of(config_file, store_url, None) as (desk, config):
        row = desk.proposal(proposal_id)
        confirm(_changes(row, config_file), yes)
        sha256 = row.proposal.authorship.element_sha256
        published = desk.publish(person_of(None, None, config), proposal_id, PublicationRequest(element_sha256=sha256))
        click.echo(f"published {description(element_of(published.proposal))} to {published.location}")


def proposal_number(text: str) -> int:
    """The id of a proposal in a store. Raises UserError."""
    if not text.isdecimal() or len(text) > 15:
        raise UserError(
            f"--proposal {text!r}: with --store give the number of a proposal; `fraud control proposals` lists all"
        )
    return int(text)


def _changes(row: ProposalRow, config_file: Path) -> list[str]:
    """The element, and what changes by it."""
    from cli.control_changes import changes
    from jobs.control.publishing import element_of

    config, channel = open_channel_of(config_file)
    element = element_of(row.proposal)
    return [description(element), *changes([element], config, channel.read(), now_ms())]


def _whole(given: str, content: str) -> str:
    """The whole content hash, where its beginning is given."""
    return content if len(given) >= LEAST_DIGITS and content.startswith(given) else given
