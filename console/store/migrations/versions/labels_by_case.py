"""Labels are found by their case: the page of each alert shows them."""

from __future__ import annotations

from alembic import op

revision = "0008_labels_by_case"
down_revision = "0007_backtests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("label_outbox_by_case", "label_outbox", ["case_id"])
