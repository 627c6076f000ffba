"""Options that the commands of `fraud control` share, and what they open and show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from jobs.config.running_job import RunningJobConfig
    from jobs.control.channel import ControlChannel
    from udfs.control.elements import ControlElement
    from udfs.rules.rule_set import RuleSet

CONFIG = click.option(
    "--config", "config_file", required=True, type=click.Path(path_type=Path), help="The running job's configuration."
)
signing_option = click.option(
    "--sign-with", metavar="FILE|env:NAME",
    help="Private key of `fraud control keygen`: a file, or the environment variable that holds its text.  "
    "[default: FRAUD_CONTROL_KEY or the file that FRAUD_CONTROL_KEY_FILE names, if set]",
)  # fmt: skip
_ELEMENT_OPTIONS = (
    click.argument("file", required=False, type=click.Path(path_type=Path)),
    click.option(
        "--rules", type=click.Path(path_type=Path), help="A rule file (YAML or JSON); replaces the whole rule set."
    ),
    click.option(
        "--candidate",
        "candidates",
        multiple=True,
        metavar="NAME=FILE",
        help="A rule file to evaluate in shadow under this name.",
    ),
    click.option(
        "--remove-candidate",
        "removed_candidates",
        multiple=True,
        metavar="NAME",
        help="Evaluate this candidate no longer.",
    ),
    click.option("--thresholds", metavar="REFER,CHALLENGE,BLOCK", help="Scores above which each action is taken."),
    click.option("--block", "blocked", multiple=True, metavar="TYPE:VALUE", help="user, card, device, merchant or ip."),
    click.option("--unblock", "unblocked", multiple=True, metavar="TYPE:VALUE", help="Remove from the block list."),
    click.option("--reason", help="With --block: reason code; one with SANCTION raises the AML flag."),
    click.option("--source", help="With --block: the source system of the entry."),
    click.option("--expires", help="With --block: epoch milliseconds or ISO 8601 with offset, in event time."),
    click.option(
        "--bundle", type=click.Path(path_type=Path), help="Folder of a bundle that every TaskManager can read."
    ),
    click.option("--version", type=click.IntRange(min=1), help="Version.  [default: the next one]"),
    click.option(
        "--author", help="Who wrote it; kept in the elements.  [default: whose key signs, or the user of this machine]"
    ),
    click.option("--note", help="Why; kept in the elements."),
    click.option(
        "--backtest", metavar="ID", help="Id of the backtest that it rests on; an approval is of the same one."
    ),
    click.option("--emergency", is_flag=True, help="In force without an approval, for a day at most."),
)


def element_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator that adds the options that say what is published; they are fields of a Request, and two more."""
    for option in reversed(_ELEMENT_OPTIONS):
        command = option(command)
    return command


def open_channel_of(config_file: Path) -> tuple[RunningJobConfig, ControlChannel]:
    """The configuration of a running job, and its control stream. Raises UserError."""
    from jobs.config.errors import ConfigError
    from jobs.config.running_job import load_running_job
    from jobs.control.channel import ChannelError
    from jobs.control.opening import open_channel

    try:
        config = load_running_job(config_file)
        return config, open_channel(config.control)
    except (ConfigError, ChannelError) as error:
        raise UserError(str(error)) from None


def signing_key(source: str | None) -> Ed25519PrivateKey | None:
    """The private key of --sign-with; None if none is given. Raises UserError."""
    from jobs.control.key_files import KeyFileError, key_of_environment, read_private_key

    try:
        return key_of_environment() if source is None else read_private_key(source)
    except KeyFileError as error:
        raise UserError(str(error)) from None


def person_of(given: str | None, key: Ed25519PrivateKey | None, config: RunningJobConfig | None) -> str:
    """Who acts: as given, or whose key it is by the job's configuration, or the user of this machine."""
    from getpass import getuser

    if given:
        return given
    if key is not None and config is not None:
        from jobs.config.control import authority_settings
        from udfs.control.signing import public_key_of

        public_key = public_key_of(key)
        for trusted in authority_settings(config.control).trusted_keys:
            if trusted.public_key == public_key:
                return trusted.person
    return getuser()


def confirm(lines: list[str], yes: bool, what: str = "publish", done: str = "published") -> None:
    """Show what changes and ask. Raises UserError without an answer, or if it is no."""
    for line in lines:
        click.echo(line)
    if not lines or yes:
        return
    try:
        agreed = click.confirm(f"{what} this?")
    except click.Abort:
        raise UserError(f"nothing was {done}: give --yes to {what} without being asked") from None
    if not agreed:
        raise UserError(f"nothing was {done}")


def now_ms() -> int:
    """The wall clock."""
    from time import time

    return int(time() * 1_000)


def description(element: ControlElement) -> str:
    """Key, version and content of an element on one line."""
    from udfs.control.elements import (
        BlockListControl,
        BundleControl,
        CandidateControl,
        GuardrailControl,
        ListControl,
        RulesControl,
        ThresholdsControl,
    )

    if isinstance(element, RulesControl):
        what = _rules_in_words(element.rule_set)
    elif isinstance(element, CandidateControl):
        what = "removed" if element.rule_set is None else f"in shadow: {_rules_in_words(element.rule_set)}"
    elif isinstance(element, GuardrailControl):
        what = f"back to shadow: {element.in_words}"
    elif isinstance(element, ThresholdsControl):
        what = (
            f"refer to analyst above {element.refer_to_analyst}, soft challenge above {element.soft_challenge}, "
            f"hard block above {element.hard_block}"
        )
    elif isinstance(element, BundleControl):
        what = f"{element.bundle} in {element.path}"
    elif isinstance(element, ListControl):
        what = "deleted" if element.deleted else f"{len(element.entries)} entries of type {element.type}"
    else:
        assert isinstance(element, BlockListControl)
        what = "blocked" if element.blocked else "not blocked"
        what += f", {element.reason_code}" if element.reason_code else ""
        what += f", until {utc_text(element.expires_at)}" if element.expires_at is not None else ""
    by = f", by {element.author}" if element.author else ""
    why = f" ({element.note})" if element.note else ""
    return f"{element.key} version {element.version}: {what}{by}{why}"


def _rules_in_words(rule_set: RuleSet) -> str:
    """How many rules count, and each that does not for all customers."""
    enabled = sum(rule.enabled for rule in rule_set.rules)
    others = [f"{rule.id} {rule.standing}" for rule in rule_set.rules if rule.enabled and rule.standing != "live"]
    told = f"; {', '.join(others)}" if others else ""
    return f"{rule_set.name}, {enabled} of {len(rule_set.rules)} rules enabled{told}"


def utc_text(time_ms: int) -> str:
    """A moment as ISO 8601 in UTC, to the second."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
