"""Memory from huge pages holds what it is given, and goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("udfs._huge_pages", reason="not compiled")

PROJECT = Path(__file__).parents[2]
OBJECTS = 400_000
USE = f"""
import hashlib, sys
from udfs.huge_pages import use_huge_pages

def resident_kb():
    return int(next(line for line in open("/proc/self/smaps_rollup") if line.startswith("Rss")).split()[1])

def digest(numbers, texts):
    return hashlib.sha256(repr((numbers, texts)).encode()).hexdigest()

before = ["text %d" % number for number in range({OBJECTS})]  # some arenas are of the allocator before
if "huge" in sys.argv:
    assert use_huge_pages() and use_huge_pages()
for turn in range(4):
    numbers = [number * 1.5 for number in range({OBJECTS})]
    texts = before if turn == 0 else ["text %d" % number for number in range({OBJECTS})]
    print(digest(numbers, texts))
    most = resident_kb()
    del numbers, texts
    before = None
    print(most - resident_kb() > 15_000)
"""


def run(*arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", USE, *arguments], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_objects_are_the_same_and_memory_is_given_back_each_time() -> None:
    with_huge_pages = run("huge")
    assert with_huge_pages == run()
    assert with_huge_pages[1::2] == ["True"] * 4
