"""The command group `fraud`: one command a file, imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from udfs.process.owner_only import owner_only

# In the order of `fraud --help`.
COMMANDS = {
    "demo": "Simulate payments, score them in a local Flink, and write a report (two minutes).",
    "score": "Score your own file of transactions.",
    "console": "Decide payments over HTTP, and find decisions again.",
    "convert": "Convert CSV, JSON Lines or Parquet to events, by a mapping file.",
    "simulate": "Simulate users, merchants and payments, with many fraud patterns and delayed labels.",
    "produce": "Send events to Kafka or Kinesis at a constant rate, in open loop.",
    "topics": "Create the Kafka topics of a job, or read its output topics.",
    "aggregate": "Compute the entity history of a file of events.",
    "stats": "Compute the population statistics that some rules compare with.",
    "train": "Train a bundle on a file of events, with the features of the scorer.",
    "evaluate": "Evaluate the model on a scored run with known truth.",
    "parity": "Compare logged features with features recomputed from the events.",
    "replay": "Re-derive one decision from the log, and show it beside what was recorded.",
    "report": "Write the HTML report of a run.",
    "profile-customers": "Profile the customers of a SQL database, and flag those that meet a condition.",
    "decisions": "Show decisions with their features by name.",
    "store": "Create the tables of a store, check its connection, or export decisions as Parquet.",
    "load": "Load users, merchants, devices, feeds and entity history into a store.",
    "features": "List the features, explain one, or show a user's online features.",
    "rules": "Check, show, backtest, calibrate or promote rules.",
    "lists": "Show, change or import the named lists that rules refer to.",
    "control": "Change a running job: publish, sign and approve; tell what was in force when.",
    "package": "Build the deployment package of a platform.",
    "config": "Check a job's config file, or explain its keys.",
}
# Their files hold no personal data and are read by jobs, perhaps as another user: the umask of the user applies.
SHARED = {"control", "lists", "package", "rules", "stats", "train"}


class LazyGroup(click.Group):
    """A group whose commands are modules of this package; each module defines `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"cli.{cmd_name.replace('-', '_')}").command
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
            raise click.UsageError(f"no command {args[0]!r}; commands: {', '.join(COMMANDS)}", ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="streaming-fraud-detector")
@click.pass_context
def main(context: click.Context) -> None:
    """Score payments for fraud on Apache Flink, with exact windows, an ONNX ensemble and rules.

    Start with `fraud demo`. Your own data: `fraud convert --guess`, then `fraud score`.
    """
    if context.invoked_subcommand not in SHARED:
        context.with_resource(owner_only())


if __name__ == "__main__":
    main()
