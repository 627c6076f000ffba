"""`fraud`: one command a file; a command's imports are paid only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

# In the order in which a newcomer meets them.
COMMANDS = {
    "demo": "Simulate payments, score them in a local Flink, and open a report: the two-minute tour.",
    "score": "Score your own file of transactions.",
    "convert": "Turn foreign CSV, JSON Lines or Parquet into events, by a mapping file.",
    "simulate": "Make users, merchants and payments, with fraud of many patterns and late labels.",
    "produce": "Send events to Kafka at a set rate, in open loop.",
    "topics": "Make the Kafka topics of a job, or read what it wrote.",
    "aggregate": "Count merchants' hourly activity and frauds from a file of events.",
    "stats": "Make the population statistics that some rules compare with.",
    "train": "Train a bundle from a file of events, through the same scorer.",
    "evaluate": "Measure the model on a scored run whose truth is known.",
    "parity": "Compare logged features with those that the transaction log gives.",
    "report": "Make the HTML report of a scored file again.",
    "store": "Make the tables of a store, or check that it answers.",
    "load": "Fill a store with users, merchants, devices, feeds and histories.",
    "features": "List the features, explain one, or show what is published of a user.",
    "rules": "Check or show a rule set, or learn from history what its points mean.",
    "control": "Change a running job's rules, thresholds, block list or bundle.",
    "package": "Build what a platform runs as one file.",
    "config": "Check a job's config file, or explain its keys.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, each with a `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            raise click.UsageError(f"no command {args[0]!r}: there are {', '.join(COMMANDS)}", ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="streaming-fraud-detector")
def main() -> None:
    """Decide, payment by payment, whether it is fraud: exact windows, an ONNX ensemble and rules, on Apache Flink.

    Start with `fraud demo`. Your own data: `fraud convert --guess`, then `fraud score`.
    """


if __name__ == "__main__":
    main()
