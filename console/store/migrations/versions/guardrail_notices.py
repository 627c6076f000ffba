"""Up to where messages have told of crossed guardrails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_guardrail_notices"
down_revision = "0005_case_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("through_control", sa.BigInteger))
