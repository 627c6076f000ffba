"""Base class of all configuration sections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base class of all sections: immutable, unknown keys are errors, defaults are validated like given values."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
