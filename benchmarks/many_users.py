"""What many users cost: the job from a file to the discard sink on RocksDB, with 10 thousand and with 10 million users.

    python -m benchmarks.many_users

First every user pays once, so that all have a stored state; then payments come from users drawn by Zipf's law, and the
rate of these is measured. The 10 million first payments take more than a quarter of an hour and 5 GB of disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import numpy.typing as npt

from benchmarks.file_job import job_tree, run_file_job
from benchmarks.machine import describe_machine, machine
from cli.progress import progress_bar

START_MS = 1_767_225_600_000
STEP_MS = 40
"""Between two payments; with 10 million users the first ones take four and a half days of event time."""
CHUNK = 100_000


def zipf_ranks(users: int, count: int, exponent: float, seed: int) -> npt.NDArray[np.int64]:
    """Ranks from 0, of which rank r has a probability proportional to (r + 1) ** -exponent."""
    shares = np.cumsum(np.arange(1, users + 1, dtype=np.float64) ** -exponent)
    drawn = np.random.default_rng(seed).random(count) * shares[-1]
    return np.asarray(np.searchsorted(shares, drawn), np.int64)


def payments(ranks: npt.NDArray[np.int64], first: int, seed: int) -> Iterator[str]:
    """Lines of payments, numbered from `first`, of the users with these ranks."""
    chance = np.random.default_rng(seed)
    for offset in range(0, len(ranks), CHUNK):
        part = ranks[offset : offset + CHUNK]
        amounts = chance.lognormal(3, 1, len(part))
        merchants = chance.integers(0, 3_000, len(part))
        for place, (user, amount, merchant) in enumerate(zip(part, amounts, merchants, strict=True)):
            number = first + offset + place
            yield (
                f'{{"type":"transaction","transaction_id":"T{number}","user_id":"U{user}",'
                f'"timestamp":{START_MS + number * STEP_MS},"amount":{amount:.2f},"merchant_id":"M{merchant}",'
                f'"device_id":"D{user}","country":"US","channel":"ecommerce"}}\n'
            )


def write_events(path: Path, users: int, transactions: int, exponent: float, seed: int) -> None:
    """One payment of each user in any order, then `transactions` of users drawn by Zipf's law."""
    first = np.random.default_rng(seed).permutation(users)
    drawn = zipf_ranks(users, transactions, exponent, seed + 1)
    with path.open("w") as file, progress_bar(f"{users:,} users: payments") as progress:
        for number, line in enumerate(payments(np.concatenate([first, drawn]), 0, seed + 2)):
            file.write(line)
            if number % CHUNK == 0:
                progress(number, users + transactions)


@click.command(help=__doc__)
@click.option("--users", "populations", multiple=True, default=(10_000, 10_000_000), show_default=True)
@click.option("--transactions", default=500_000, show_default=True, help="Payments by Zipf's law.")
@click.option("--exponent", default=1.0, show_default=True, help="Of Zipf's law.")
@click.option("--seed", default=5, show_default=True)
def main(populations: tuple[int, ...], transactions: int, exponent: float, seed: int) -> None:
    click.echo(describe_machine(machine()))
    for users in populations:
        with TemporaryDirectory() as folder:
            events = Path(folder) / "events.jsonl"
            write_events(events, users, transactions, exponent, seed)
            warm_up = (users + 0.3 * transactions) / (users + transactions)
            figures = run_file_job(
                job_tree(events, Path(folder), "rocksdb", 30_000), f"{users:,} users: Flink", warm_up
            )
        rate = figures["transactions_per_second"]
        click.echo(f"{users:>12,} users: {rate:>8,.0f} transactions/s, {1e6 / rate:.1f} us each")


if __name__ == "__main__":
    main()
