"""`fraud package`: builds deployment packages."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(name="package")
def command() -> None:
    """Build the deployment package of a platform."""


@command.command(name="msf")
@click.option("--out", default=Path("out/app.zip"), show_default=True, type=click.Path(path_type=Path), help="The zip.")
@click.option(
    "--jars",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the connectors' jars.  [default: what `make connectors` fetched]",
)
@click.option(
    "--wheel",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Wheel of this project, by `make wheel`, to take the native core of.  [default: what `make setup` built]",
)
def managed_flink(out: Path, jars: Path | None, wheel: Path | None) -> None:
    """Build the application zip of Amazon's Managed Service for Apache Flink (docs/managed-flink.md).

    It holds the code, the native core, the locked dependencies as wheels for the service's Python 3.12 (fetched on the
    first call), the shipped bundle, deploy/conf and the connectors' jars. The same content gives the same bytes.

    \b
    make connectors wheel && fraud package msf --wheel dist/NAME.whl
    """
    from cli.managed_flink_core import read_extension
    from cli.managed_flink_package import build, install_wheels, project_root
    from cli.progress import progress_bar
    from jobs.runtime.connectors import DEFAULT, ZSTD, lacks_zstd

    root = project_root()
    extension = read_extension(root, wheel)
    wheels = root / ".cache" / "managed-flink-wheels"
    click.echo("fetching dependencies (once for each lock) ...", err=True)
    install_wheels(wheels, root / "requirements.lock")
    found = sorted((jars or DEFAULT).glob("*.jar"))
    with progress_bar("packing") as report:
        contents = build(out, wheels, found, root, extension, report)
    click.echo(
        f"{out}: {contents.zip_bytes / 1e6:,.1f} MB, {contents.files:,} files, "
        f"jars: {', '.join(contents.jars) or 'none (make connectors fetches them)'}"
    )
    if lacks_zstd(contents.jars):
        click.echo(
            f"warning: without {ZSTD} the job fails at a record compressed by zstd: run `make connectors`", err=True
        )
