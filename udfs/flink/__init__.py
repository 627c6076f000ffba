"""Flink process functions and keyed state: the only package of udfs that imports pyflink."""
