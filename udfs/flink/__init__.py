"""Flink process functions and keyed state: the only package of udfs that imports pyflink.

Operators are loaded by threads of their own. msgspec crashes where one thread decodes a struct whose description another
is still making, so the first of them imports all structs, while the others wait for this package.
"""

from udfs.flink import score_transactions

__all__ = ["score_transactions"]
