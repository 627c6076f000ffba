"""Private keys that sign control elements: from a file that only its owner may read, or from an environment variable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from udfs.process.owner_only import OTHERS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE_PREFIX = "env:"
KEY_VARIABLE, FILE_VARIABLE = "FRAUD_CONTROL_KEY", "FRAUD_CONTROL_KEY_FILE"


class KeyFileError(ValueError):
    """The key cannot be read or written. The message is one line with the remedy."""


def read_private_key(source: str, environment: Mapping[str, str] | None = None) -> Ed25519PrivateKey:
    """The key of a PEM file, or of the variable `NAME` for `env:NAME`. Raises KeyFileError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if source.startswith(VARIABLE_PREFIX):
        name = source.removeprefix(VARIABLE_PREFIX)
        pem = (os.environ if environment is None else environment).get(name, "").encode()
        if not pem:
            raise KeyFileError(f"the environment variable {name} is not set: put the private key's PEM text into it")
    else:
        pem = _owned_bytes(Path(source))
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(
            f"{source}: not an unencrypted private key in PEM; make one by `fraud control keygen`"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{source}: not an Ed25519 key; make one by `fraud control keygen`")
    return key


def key_of_environment(environment: Mapping[str, str] | None = None) -> Ed25519PrivateKey | None:
    """The key whose text FRAUD_CONTROL_KEY holds, or whose file FRAUD_CONTROL_KEY_FILE names. Raises KeyFileError."""
    variables = os.environ if environment is None else environment
    if variables.get(KEY_VARIABLE):
        return read_private_key(VARIABLE_PREFIX + KEY_VARIABLE, variables)
    file = variables.get(FILE_VARIABLE)
    return read_private_key(file) if file else None


def write_new_private_key(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it to a new file of mode 0600. Raises KeyFileError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except FileExistsError:
        raise KeyFileError(f"{path} exists: a key is not overwritten, name another file") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}") from None
    return key


def _owned_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & OTHERS:
                raise KeyFileError(f"{path} can be read by others than its owner: chmod 600 {path}")
            if status.st_uid not in (os.getuid(), 0):
                raise KeyFileError(f"{path} is owned by another user: give it to the user who signs")
            return file.read(65_536)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None
