"""Named lists from the control stream, and what they and the rules in force must be to each other."""

from __future__ import annotations

from udfs.control.elements import ControlError, ListControl
from udfs.rules.errors import RuleError
from udfs.rules.named_lists import CompiledList, ListError, Lists, check_room, spelled
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook, missing_lists, rules_with_list


class MustWait(ControlError):
    """Rules refer to a list that is not there, or a list to be deleted is referred to by the rules in force."""


def lists_after(lists: Lists, element: ListControl) -> dict[str, CompiledList]:
    """The lists with the element's in place, or without it. Raises ControlError for too many lists or entries."""
    after = {name: known for name, known in lists.items() if name != element.name}
    if not element.deleted:
        after[element.name] = spelled(element.named_list).compile()
    try:
        check_room(after)
    except ListError as error:
        raise ControlError(str(error)) from None
    return after


def rulebook_after(rulebook: Rulebook, element: ListControl, lists: Lists) -> Rulebook:
    """The rules in force with the lists as they are after the element.

    Raises MustWait for a deleted list that they refer to, ControlError for one of a type that does not suit them.
    """
    if element.deleted:
        require_unused(element.name, rulebook.rule_set)
    try:
        return rulebook.with_lists(lists)
    except RuleError as error:
        raise ControlError(f"list {element.name} does not suit the rules in force: {error}") from None


def require_unused(name: str, rule_set: RuleSet) -> None:
    """Raise MustWait if rules, enabled or not, refer to the list."""
    users = rules_with_list(rule_set, name)
    if users:
        raise MustWait(
            f"list {name} cannot be deleted: {len(users)} rules of {rule_set.name} version {rule_set.version} in force "
            f"refer to it ({', '.join(users[:5])}{' …' if len(users) > 5 else ''}); publish rules without it first"
        )


def require_lists(rule_set: RuleSet, lists: Lists) -> None:
    """Raise MustWait if a rule, enabled or not, refers to a list that is not there."""
    missing = missing_lists(rule_set, lists)
    if missing:
        raise MustWait(str(missing[0]))
