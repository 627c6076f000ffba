"""Each batched operator of a process gets the function that it has opened itself. With a real operator, and several in one
process: tests/jobs/test_batched_operator.py."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from udfs.flink.bridge import OpenedFunctions, Row


class Echo:
    """A function whose row is its frame."""

    def attach(self, operator: Any) -> Any:
        return operator

    def take(self, frame: bytes) -> tuple[bytes, tuple[Row, ...]]:
        return b"", ((frame,),)

    def tick(self) -> None:
        pass


def test_functions_are_taken_by_token_in_any_order_and_from_any_thread() -> None:
    opened, functions = OpenedFunctions(), [Echo() for _ in range(20)]
    together = threading.Barrier(len(functions))
    taken: dict[int, object] = {}

    def operator(number: int) -> None:
        opened.announce(f"token {number}", functions[number])
        together.wait()  # all are announced before the first is taken
        taken[number] = opened.take(f"token {number}")

    threads = [threading.Thread(target=operator, args=(number,)) for number in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [taken[number] is function for number, function in enumerate(functions)] == [True] * len(functions)


def test_a_function_is_taken_once() -> None:
    opened = OpenedFunctions()
    opened.announce("token", Echo())
    opened.take("token")
    with pytest.raises(LookupError, match="was not announced"):
        opened.take("token")


def test_another_operator_than_the_batched_one_is_refused() -> None:
    with pytest.raises(LookupError, match=r"Echo must be run by the batched operator \(process_in_batches\)"):
        OpenedFunctions().announce(None, Echo())
