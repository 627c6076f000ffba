"""Writes a bundle to a folder; equal content gives equal bytes."""

from __future__ import annotations

import os
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import msgspec

from udfs.scoring.bundle import EXPLAIN_FILE, MANIFEST_FILE, MODEL_FILE, Manifest, content_version, encode_manifest

LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "scipy", "xgboost")


def library_versions() -> dict[str, str]:
    """Installed versions of the libraries that produce a bundle."""
    return {name: version(name) for name in LIBRARIES}


def write_bundle(directory: str | Path, manifest: Manifest, model: bytes, explainer: bytes) -> Manifest:
    """Write model, explainer and manifest, and return the manifest with file hashes and version as it is read back.

    An existing bundle is replaced file by file, the manifest last: concurrent readers detect it by the file hashes.
    """
    files = {MODEL_FILE: model, EXPLAIN_FILE: explainer}
    hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
    complete = _as_read(msgspec.structs.replace(manifest, files=hashes, version=""))
    complete = msgspec.structs.replace(complete, version=content_version(complete))
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**files, MANIFEST_FILE: encode_manifest(complete)}.items():
        partial = folder / f"{name}.partial"
        partial.write_bytes(content)
        os.replace(partial, folder / name)
    return complete


def _as_read(manifest: Manifest) -> Manifest:
    """The manifest after a JSON round trip, which turns NaN to None and tuples to lists in free-form fields."""
    return msgspec.json.decode(msgspec.json.encode(manifest), type=Manifest)
