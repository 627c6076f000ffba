"""`fraud control propose` and `approve`: an element goes from its author to another person before it is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.control_options import (
    CONFIG,
    confirm,
    description,
    element_options,
    now_ms,
    open_channel_of,
    person_of,
    signing_key,
    signing_option,
)
from cli.control_store import approve_in_store, proposal_number, propose_in_store, store_option
from cli.errors import UserError


@click.command(
    name="propose", epilog="Example: fraud control propose --config job.yaml --rules my.yaml --out proposal.json"
)
@CONFIG
@element_options
@signing_option
@click.option("--out", type=click.Path(path_type=Path), help="The file to write.")
@store_option
def propose(config_file: Path, sign_with: str | None, out: Path | None, store_url: str | None, **options: Any) -> None:
    """Check control elements as `publish` does, and keep them for another person to approve: in a file, or in the store of
    a console, whose pages and API then have them, too."""
    from cli.control_changes import changes
    from cli.control_proposals import proposals_of
    from cli.control_sending import propose_in_file
    from jobs.control.channel import ChannelError
    from jobs.control.publishing import element_of
    from udfs.control.elements import ControlError

    if (out is None) == (store_url is None):
        raise UserError("give --out, a file to write, or --store, a console's decision store")
    config, channel = open_channel_of(config_file)
    try:
        published = channel.read()
        proposals = proposals_of(options, sign_with, config, published)
        elements = [element_of(one) for one in proposals]
        for line in changes(elements, config, published, now_ms()):
            click.echo(line)
    except (ControlError, ChannelError) as error:
        raise UserError(str(error)) from None
    if store_url is not None:
        return propose_in_store(config_file, store_url, proposals)
    assert out is not None
    propose_in_file(out, proposals)


@click.command(
    name="approve",
    epilog="Examples: fraud control approve proposal.json --sign-with bob.pem; "
    "fraud control approve --config job.yaml --key rules --sign-with bob.pem; "
    "fraud control approve --config job.yaml --store sqlite:///FILE --proposal 7",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The running job's configuration.")
@click.option("--key", "element_key", help="Approve the emergency publication in force for this key.")
@store_option
@click.option("--proposal", metavar="NUMBER", help="With --store: the proposal; `fraud control proposals` lists all.")
@click.option("--content", metavar="HASH",
              help="With --store: what was looked at, 16 digits at least; without it the change is shown.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--approver", help="Who approves.  [default: whose key signs, or the user of this machine]")
@click.option("--backtest", metavar="ID", help="Id of the backtest that was looked at.  [default: that of the author]")
@signing_option
def approve(
    file: Path | None,
    config_file: Path | None,
    element_key: str | None,
    store_url: str | None,
    proposal: str | None,
    content: str | None,
    yes: bool,
    approver: str | None,
    backtest: str | None,
    sign_with: str | None,
) -> None:
    """Approve what another person proposed in FILE or in a console's store, or an emergency publication that is in force
    for a day.

    Shows what FILE has, with --config also what it changes, and asks. The approval is of this content and this backtest: a
    change of either makes it void.
    """
    if (
        store_url is not None
        and proposal is not None
        and config_file is not None
        and (file, element_key) == (None, None)
    ):
        number = proposal_number(proposal)
        return approve_in_store(config_file, store_url, number, approver, backtest, sign_with, content, yes)
    if store_url is not None or proposal is not None or content is not None:
        raise UserError("--store, --proposal and --config belong together, without FILE and --key")
    if (file is None) == (element_key is None):
        raise UserError(
            "give FILE of `fraud control propose`, --store with --proposal, or --config with --key for an emergency "
            "publication"
        )
    if file is None and config_file is None:
        raise UserError("--key needs --config, whose control stream has the emergency publication")
    from jobs.control.channel import ChannelError
    from udfs.control.elements import ControlError

    try:
        if file is not None:
            _approve_file(file, config_file, approver, backtest, sign_with, yes)
        else:
            assert config_file is not None
            assert element_key is not None
            _approve_emergency(config_file, element_key, approver, backtest, sign_with)
    except (ControlError, ChannelError) as error:
        raise UserError(str(error)) from None


def _approve_file(
    file: Path, config_file: Path | None, approver: str | None, backtest: str | None, sign_with: str | None, yes: bool
) -> None:
    from cli.control_changes import changes
    from cli.control_proposals import read_proposals, write_proposals
    from jobs.control.publishing import approval_of, element_of, record_of, with_approval
    from udfs.control.authority import Authority

    config, channel = (None, None) if config_file is None else open_channel_of(config_file)
    key = signing_key(sign_with)
    person = person_of(approver, key, config)
    approved = []
    for proposal in read_proposals(file):
        approval = approval_of(proposal.authorship, person, now_ms(), backtest, key)
        approved.append(with_approval(proposal, approval))
        Authority.without_keys().check(record_of(approved[-1]))
    elements = [element_of(one) for one in approved]
    lines = [description(element) for element in elements]
    if config is not None and channel is not None:
        lines += changes(elements, config, channel.read(), now_ms())
    confirm(lines, yes, "approve", "approved")
    write_proposals(file, approved, replace=True)
    for one in approved:
        click.echo(f"{person} approved {description(element_of(one))}, content {one.authorship.element_sha256[:16]}")


def _approve_emergency(
    config_file: Path, element_key: str, approver: str | None, backtest: str | None, sign_with: str | None
) -> None:
    from jobs.config.control import authority_settings
    from jobs.control.channel import ChannelError, newest
    from jobs.control.publishing import approval_of, late_approval_of
    from udfs.control.authority import Authority
    from udfs.control.envelope import Publication, decode_record

    config, channel = open_channel_of(config_file)
    key = signing_key(sign_with)
    try:
        record = newest(channel.read()).get(element_key)
        decoded = None if record is None else decode_record(record.payload)
        link = None if decoded is None else decoded.link
        if (
            decoded is None
            or decoded.element is None
            or not isinstance(link, Publication)
            or not link.authorship.emergency
        ):
            raise UserError(
                f"{element_key}: the newest element is no emergency publication; `fraud control history` lists all"
            )
        approval = approval_of(link.authorship, person_of(approver, key, config), now_ms(), backtest, key)
        late = late_approval_of(decoded.element, approval, now_ms())
        Authority(authority_settings(config.control)).check_late(late, link.authorship)
        location = channel.append(late)
    except ChannelError as error:
        raise UserError(str(error)) from None
    click.echo(f"{approval.person} approved {description(decoded.element)}, in {location}")
