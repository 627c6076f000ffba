"""Python's small objects in huge pages, where the system has them.

What a scorer keeps of its users lies all over its memory. In pages of 2 MiB it is found faster, and growing costs one
page fault where it costs 512 otherwise.
"""

from __future__ import annotations


def use_huge_pages() -> bool:
    """For what is made from now on. False if that cannot be had: nothing is different then, but the time it takes."""
    try:
        from udfs._huge_pages import install
    except ImportError:
        return False  # not compiled: see setup.py
    install()
    return True
