"""`fraud package`: what a platform runs, as one file."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(name="package")
def command() -> None:
    """Build what a platform runs as one file."""


@command.command(name="msf")
@click.option("--out", default=Path("out/app.zip"), show_default=True, type=click.Path(path_type=Path), help="The zip.")
@click.option(
    "--jars",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the connectors' jars.  [default: what `make connectors` fetched]",
)
@click.option(
    "--compile-with",
    metavar="PYTHON",
    help="A Python 3.12 with headers, to compile the hot path for the service's.  [default: python3.12, if it can]",
)
@click.option("--plain", is_flag=True, help="Leave the hot path as Python, a fifth slower.")
def managed_flink(out: Path, jars: Path | None, compile_with: str | None, plain: bool) -> None:
    """Build the application zip of Amazon's Managed Service for Apache Flink (docs/managed-flink.md).

    It holds the code, the locked dependencies as wheels for the service's Python 3.12 (fetched on the first call), the
    shipped bundle, deploy/conf and the connectors' jars. The same content gives the same bytes. The hot path is
    compiled where there is a Python 3.12 with headers and a C compiler on x86-64 Linux.

    \b
    make connectors && fraud package msf --out out/app.zip
    """
    from cli.managed_flink_package import build, install_wheels, project_root
    from cli.progress import progress_bar
    from jobs.connectors import DEFAULT

    root = project_root()
    wheels = root / ".cache" / "managed-flink-wheels"
    click.echo("fetching dependencies (once for each lock) ...", err=True)
    install_wheels(wheels, root / "requirements.lock")
    compiled, how = _hot_path(compile_with, plain, root, wheels)
    found = sorted((jars or DEFAULT).glob("*.jar"))
    with progress_bar("packing") as report:
        contents = build(out, wheels, found, root, compiled, report)
    click.echo(
        f"{out}: {contents.zip_bytes / 1e6:,.1f} MB, {contents.files:,} files, "
        f"jars: {', '.join(contents.jars) or 'none (make connectors fetches them)'}, hot path: {how}"
    )


def _hot_path(compile_with: str | None, plain: bool, root: Path, wheels: Path) -> tuple[Path | None, str]:
    """The compiled modules, if there are to be any, and words for what there is."""
    from cli.errors import UserError
    from cli.managed_flink_compiled import DEFAULT_PYTHON, CannotCompile, compile_hot_path

    if plain:
        return None, "Python"
    click.echo("compiling (once for the same sources) ...", err=True)
    try:
        cache = root / ".cache" / "managed-flink-compiled"
        return compile_hot_path(compile_with or DEFAULT_PYTHON, root, wheels, cache), "compiled"
    except CannotCompile as problem:
        if compile_with is not None:
            raise UserError(str(problem)) from None
        return None, f"Python ({problem})"
