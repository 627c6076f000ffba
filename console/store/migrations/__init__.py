"""Makes and upgrades the tables."""

from __future__ import annotations

from pathlib import Path

from console.store.engine import Database
from console.store.errors import StoreVersionError


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the tables to the revision, in one transaction. Raises StoreVersionError and StoreUnavailable."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.write_alone() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            if "locate revision" not in str(error):
                raise
            raise StoreVersionError(
                f"{database.name}: written by a later version of this program; update the program, or name another store"
            ) from None
