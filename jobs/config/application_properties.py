"""Runtime properties of Amazon's Managed Service for Apache Flink, read as configuration.

The service writes its property groups into a JSON file on the application's hosts. The properties of the group `fraud`
are configuration keys, such as `source.kind` or `sinks.0.directory`; they override the configuration file in the package.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.loading import load_config

PROPERTIES_FILE = Path("/etc/flink/application_properties.json")
GROUP = "fraud"
CONFIG_PROPERTY = "config"
DEFAULT_CONFIG = "conf/managed_flink.yaml"


def read_property_group(path: Path, group: str = GROUP) -> dict[str, str]:
    """Read the properties of one group from the service's file, a list of `{PropertyGroupId, PropertyMap}`.

    Raises ConfigError if the file is missing or malformed, or the group is not in it.
    """
    try:
        groups = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}: this entry point runs in the Managed Service only"
        ) from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{path}: not JSON") from None
    if not isinstance(groups, list) or not all(isinstance(entry, dict) for entry in groups):
        raise ConfigError(f"{path}: must be a list of property groups")
    found = [entry.get("PropertyMap") for entry in groups if entry.get("PropertyGroupId") == group]
    if len(found) != 1:
        known = ", ".join(sorted(str(entry.get("PropertyGroupId")) for entry in groups)) or "none"
        raise ConfigError(f"{path}: exactly one property group {group!r} is required; the groups are: {known}")
    properties = found[0]
    if not isinstance(properties, dict) or not all(isinstance(value, str) for value in properties.values()):
        raise ConfigError(f"{path}: the property map of group {group!r} must hold strings")
    return properties


def load_managed_config(
    package: Path, properties_file: Path = PROPERTIES_FILE, environment: Mapping[str, str] | None = None
) -> JobConfig:
    """Load an application's configuration: a file of its package (property `config`), overridden by the properties, then
    by environment variables.

    Sets `flink.managed`. Raises ConfigError; the message names the file or the property.
    """
    properties = read_property_group(properties_file)
    name = properties.pop(CONFIG_PROPERTY, DEFAULT_CONFIG)
    file = (package / name).resolve()
    if not file.is_relative_to(package.resolve()):
        raise ConfigError(f"{CONFIG_PROPERTY}: {name!r} is outside the package: give a path inside it")
    given = os.environ if environment is None else environment
    return load_config(file, given, properties | {"flink.managed": "true"})
