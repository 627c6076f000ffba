"""Access to Java classes of the JVM that this process is connected to."""

from __future__ import annotations

from typing import Any

PYTHON = {"pyflink/java_gateway.py": ("def get_gateway() -> JavaGateway:",)}


def java_class(name: str) -> Any:
    """A Java class by its fully qualified name: callable as a constructor, with static methods and fields."""
    from pyflink.java_gateway import get_gateway

    found: Any = get_gateway().jvm
    for part in name.split("."):
        found = getattr(found, part)
    return found


def object_array(values: list[Any]) -> Any:
    """A Java Object[]."""
    from pyflink.java_gateway import get_gateway

    gateway = get_gateway()
    array = gateway.new_array(gateway.jvm.Object, len(values))
    for index, value in enumerate(values):
        array[index] = value
    return array
