"""`python -m benchmarks.decision_sizes DECISIONS`: bytes per decision with features by name, packed, and without.

DECISIONS are those of a run that logged features in either form (`fraud demo`, `fraud score`). Each is encoded in all
three forms, also compressed in batches of 128 KiB as the Kafka producer sends them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import click
import msgspec
import pyarrow as pa

from cli.decision_input import DecisionLine, decision_files, lines_of_files
from cli.errors import UserError
from cli.feature_sets import bundle_of_run, feature_sets_of_bundles
from udfs.records.logged_features import FeaturesError, FeatureSets, features_of, pack_features
from udfs.records.outputs import FeatureForm

FORMS: tuple[FeatureForm, ...] = get_args(FeatureForm)
BATCH_BYTES = 131_072
CODECS = {"gzip": 6, "lz4": None, "zstd": 3}

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")


def in_all_forms(line: bytes, feature_sets: FeatureSets) -> dict[FeatureForm, bytes] | None:
    """The decision as the job writes it for each value of `log_features`; None for a duplicate. Raises FeaturesError."""
    fields = _decode(line)
    if bytes(fields["type"]) != b'"decision"':
        return None
    features = features_of(msgspec.json.decode(line), feature_sets)
    feature_set = fields.pop("feature_set", msgspec.Raw(_encode("0" * 16)))  # earlier decisions by name have none
    fields.pop("features_packed", None)
    without = fields | {"features": _NULL}
    packed = pack_features(list(features.values()))
    return {
        "names": _encode(fields | {"features": msgspec.Raw(_encode(features)), "feature_set": feature_set}),
        "packed": _encode(without | {"feature_set": feature_set, "features_packed": packed}),
        "none": _encode(without),
    }


class FormSize:
    """Total bytes of one form: uncompressed, and compressed in batches by codec."""

    def __init__(self) -> None:
        self.plain = 0
        self.compressed = dict.fromkeys(CODECS, 0)
        self._batch: list[bytes] = []
        self._batch_bytes = 0

    def add(self, value: bytes) -> None:
        self.plain += len(value)
        if self._batch_bytes + len(value) > BATCH_BYTES:
            self.end_batch()
        self._batch.append(value)
        self._batch_bytes += len(value)

    def end_batch(self) -> None:
        """Compresses the current batch."""
        content = b"".join(self._batch)
        for codec, level in CODECS.items():
            self.compressed[codec] += len(pa.Codec(codec, level).compress(content, asbytes=True))
        self._batch, self._batch_bytes = [], 0


def measure(lines: Iterable[DecisionLine], feature_sets: FeatureSets) -> tuple[int, dict[FeatureForm, FormSize]]:
    """Number of decisions and sizes of each form. Raises UserError for a line without readable features."""
    sizes = {form: FormSize() for form in FORMS}
    count = 0
    for line in lines:
        try:
            forms = in_all_forms(line.value, feature_sets)
        except (FeaturesError, msgspec.MsgspecError, KeyError) as error:
            raise UserError(f"{line.place}: {error}") from None
        if forms is None:
            continue
        count += 1
        for form, value in forms.items():
            sizes[form].add(value)
    for size in sizes.values():
        size.end_batch()
    return count, sizes


def table(count: int, sizes: dict[FeatureForm, FormSize]) -> Iterator[str]:
    """Markdown table of bytes per decision."""
    yield f"| {count:,} decisions, bytes per decision | JSON | {' | '.join(CODECS)} |"
    yield "|---|---|" + "---|" * len(CODECS)
    for form, size in sizes.items():
        cells = [size.plain, *size.compressed.values()]
        yield f"| `{form}` | {' | '.join(f'{cell / max(count, 1):,.0f}' for cell in cells)} |"


@click.command()
@click.argument("decisions", type=click.Path(path_type=Path))
@click.option("--limit", default=20_000, show_default=True, type=click.IntRange(1), help="Lines to take.")
def main(decisions: Path, limit: int) -> None:
    """Measure the three forms of the decisions in a file or folder."""
    files = decision_files([decisions])
    bundle = bundle_of_run(files[0].parent)
    lines = (line for _, line in zip(range(limit), lines_of_files(files), strict=False))
    for row in table(*measure(lines, feature_sets_of_bundles([] if bundle is None else [bundle]))):
        click.echo(row)


if __name__ == "__main__":
    main()
