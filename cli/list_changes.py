"""Changes of named lists, and their publication to a running job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import msgspec

from cli.control_elements import checked_elements
from cli.control_options import now_ms
from cli.control_sending import Sending, send
from cli.errors import UserError
from jobs.config.errors import ConfigError
from jobs.config.running_job import RunningJobConfig, load_running_job
from jobs.control.channel import ChannelError, ControlChannel, Published
from jobs.control.in_force import InForce, newest_version
from jobs.control.opening import open_channel
from udfs.control.elements import LIST, ControlError, ListControl
from udfs.rules.list_changes import with_entries, without_values
from udfs.rules.list_files import ListFileError
from udfs.rules.named_lists import LIST_TYPES, ListEntry, ListError, NamedList
from udfs.rules.pack_files import RuleFileError


def open_lists(config_file: Path) -> OpenLists:
    """Reads configuration and control stream. Raises UserError."""
    try:
        config = load_running_job(config_file)
        channel = open_channel(config.control)
        return OpenLists(config_file, config, channel, channel.read())
    except (ConfigError, ChannelError, RuleFileError, ListFileError, ControlError) as error:
        raise UserError(str(error)) from None


def merged(
    before: NamedList | None, name: str, given: str | None, entries: Sequence[ListEntry], replace: bool = False
) -> tuple[NamedList, str]:
    """The list with the entries added (or in place of all others), and a line on what that changes. Raises UserError."""
    if before is None and given is None:
        raise UserError(f"there is no list {name}: give --type to create it")
    if given is not None and given not in LIST_TYPES:
        raise UserError(f"--type {given!r}: expected one of {', '.join(LIST_TYPES)}")
    try:
        change = with_entries(before, name, given, entries, replace)
    except ListError as error:
        raise UserError(str(error)) from None
    return change.after, change.in_words


class OpenLists:
    """The lists of one running job, as read once. Raises UserError."""

    def __init__(
        self, config_file: Path, config: RunningJobConfig, channel: ControlChannel, published: list[Published]
    ) -> None:
        self.in_force = InForce.of(config, published, now_ms())
        self._file, self._config, self._channel, self._published = config_file, config, channel, published

    def named_list(self, name: str) -> NamedList:
        """The list of a name."""
        known = self.in_force.lists.get(name)
        if known is None:
            names = ", ".join(sorted(self.in_force.lists)) or "none"
            raise UserError(f"there is no list {name}; lists in force: {names}")
        return known.named_list

    def put(
        self, name: str, kind: str | None, entries: Sequence[ListEntry], sending: Sending, note: str | None
    ) -> None:
        """Add entries to a list, which is created if it does not exist."""
        before = self.in_force.lists.get(name)
        after, told = merged(before.named_list if before is not None else None, name, kind, entries)
        click.echo(told)
        self.send_list(after, sending, note)

    def remove(self, name: str, values: Iterable[str], sending: Sending, note: str | None) -> None:
        """Remove the entries of these values."""
        before = self.named_list(name)
        try:
            change = without_values(before, values)
        except ListError as error:
            raise UserError(str(error)) from None
        self.send_list(change.after, sending, note)

    def delete(self, name: str, sending: Sending, note: str | None) -> None:
        """Delete a list that no rule in force refers to."""
        before = self.named_list(name)
        element = ListControl(version=self._next_version(name), name=name, type=before.type, deleted=True)
        self._send(element, sending, note)

    def send_list(self, named_list: NamedList, sending: Sending, note: str | None) -> None:
        """Publish or propose the next version of a list."""
        version = self._next_version(named_list.name)
        self._send(ListControl.of(msgspec.structs.replace(named_list, version=version)), sending, note)

    def _next_version(self, name: str) -> int:
        """One above the highest known one, of a deleted list, too."""
        return 1 + newest_version(self._config, self._published, f"{LIST}/{name}")

    def _send(self, element: ListControl, sending: Sending, note: str | None) -> None:
        element = msgspec.structs.replace(element, author=sending.person(self._config), note=note)
        try:
            (checked,) = checked_elements([element], self._config, self._published, now_ms())
            send(checked, sending, self._file, self._config, self._channel)
        except (ControlError, ChannelError) as error:
            raise UserError(str(error)) from None
