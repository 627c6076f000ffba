"""What publishers of control elements need of a running job's configuration; they may be on another machine than the job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.config.errors import ConfigError, explain
from jobs.config.job import Control, NoControl, Scoring
from jobs.config.loading import read_tree
from jobs.config.value_types import shipped_bundle


class _ScoringElsewhere(Scoring):
    """Paths of the operator's machines are not looked at."""

    bundle: str = Field(default_factory=shipped_bundle)
    lists: str | None = None
    statistics: str | None = None
    reference: str | None = None
    histories: str | None = None
    fx_rates: str | None = None


class RunningJobConfig(BaseModel):
    """The sections `scoring` and `control`; others are not checked."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)

    scoring: _ScoringElsewhere = Field(default_factory=_ScoringElsewhere)
    control: Control = Field(default_factory=NoControl)


def load_running_job(path: str | os.PathLike[str], environment: Mapping[str, str] | None = None) -> RunningJobConfig:
    """Load these sections, as `load_config` does. Raises ConfigError."""
    tree, variables = read_tree(Path(path), os.environ if environment is None else environment)
    try:
        return RunningJobConfig.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(explain(error, str(path), variables)) from None
