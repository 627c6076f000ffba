"""Checks the rules of a job before it starts."""

from __future__ import annotations

from jobs.config.errors import ConfigError
from jobs.config.value_types import is_remote
from udfs.features.feature_set import feature_set_of
from udfs.rules.errors import RuleError
from udfs.rules.list_files import ListFileError, lists_of
from udfs.rules.pack_files import RuleFileError, rule_set_of, rules_file
from udfs.rules.rulebook import rule_problems
from udfs.scoring.bundle import BundleError, read_manifest


def check_rules(rules: str, bundle: str, lists: str | None = None) -> list[str]:
    """Warnings on the rules of a pack or file, a line each; the bundle tells which attributes they may use.
    `lists`: the folder of those that they may refer to.

    Raises ConfigError with a line for each error. Files that are not on this machine are not looked at, nor are rules
    looked at with a bundle that cannot be read, which is refused elsewhere.
    """
    if is_remote(rules) or is_remote(bundle) or is_remote(lists or ""):
        return []
    try:
        features = feature_set_of(read_manifest(bundle).attributes)
        problems = rule_problems(rule_set_of(rules), features.names, lists_of(lists))
    except BundleError:
        return []
    except (RuleFileError, ListFileError) as error:
        raise ConfigError(str(error)) from None

    def lines(severity: str) -> list[RuleError]:
        return [problem.error for problem in problems if problem.severity == severity]

    errors = lines("error")
    if errors:
        raise ConfigError("\n".join(f"{rules_file(rules)}: {error}" for error in errors))
    return [f"{rules_file(rules)}: warning: {warning}" for warning in lines("warning")]
