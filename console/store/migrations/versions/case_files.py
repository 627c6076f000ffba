"""Files that people have added to cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_case_files"
down_revision = "0004_snooze"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "case_files", sa.Column("file_id", COUNTER, primary_key=True), _value("case_id", sa.BigInteger), _value("name"),
        _value("content_type"), _value("size_bytes", sa.BigInteger), _value("sha256"), _value("who"),
        _value("added_ms", sa.BigInteger), _value("content", sa.LargeBinary), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("case_files_by_case", "case_files", ["case_id", "sha256"], unique=True)


def _value(name: str, kind: sa.types.TypeEngine[str] | type = sa.Text) -> sa.Column[str]:
    return sa.Column(name, kind, nullable=False)
