"""Erases people one by one in a process of its own, to be killed: prints each when it is acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.console.answers.test_embedded import START, opened
from udfs.records.events import Erasure


async def main(path: Path, people: list[str]) -> None:
    answers = opened(path)
    for person in people:
        await answers.erase(Erasure(event_id="e", user_id=person, timestamp=START))
        print(person, flush=True)
    await answers.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
