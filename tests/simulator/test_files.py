"""Writing a simulation: all files or none, and their contents."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from simulator.truth import TruthRecord
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.values.fx_rates import FxRate, load_fx_rates

KINDS = {
    "users": UserProfile,
    "merchants": MerchantProfile,
    "devices": DeviceProfile,
    "ip_feed": IpFeed,
    "domain_feed": DomainFeed,
    "block_list": BlockEntry,
}
CONFIG = SimulatorConfig(users=60, days=6, seed=4, fraud_share=0.02)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_folder_contains_events_truth_reference_and_manifest(tmp_path: Path) -> None:
    simulation = simulate(CONFIG)
    write(simulation, tmp_path / "new" / "here")
    files = _files(tmp_path / "new" / "here")
    assert set(files) == {
        "events.jsonl",
        "manifest.json",
        "truth.jsonl",
        *(f"reference/{name}.jsonl" for name in KINDS),
    }
    assert files["events.jsonl"].splitlines() == list(simulation.events)
    truth = [msgspec.json.decode(line, type=TruthRecord) for line in files["truth.jsonl"].splitlines()]
    assert truth == list(simulation.truth)
    assert json.loads(files["manifest.json"]) == json.loads(json.dumps(simulation.manifest))


def test_every_reference_file_decodes_to_its_kind(tmp_path: Path) -> None:
    simulation = simulate(CONFIG)
    write(simulation, tmp_path)
    for name, kind in KINDS.items():
        lines = (tmp_path / "reference" / f"{name}.jsonl").read_bytes().splitlines()
        records = [msgspec.json.decode(line, type=kind, strict=True) for line in lines]
        assert records == getattr(simulation.reference, name)
        assert records
    assert len(simulation.reference.users) == CONFIG.users


def test_reference_contains_nothing_of_the_period_but_new_accounts() -> None:
    reference = simulate(CONFIG).reference
    own = [profile for profile in reference.devices if profile.last_used_at is not None]
    assert all((profile.last_used_at or 0) < CONFIG.start_ms for profile in own)
    assert all((profile.first_seen_at or 0) < CONFIG.start_ms for profile in reference.merchants)
    assert all((profile.registered_at or 0) < CONFIG.start_ms for profile in reference.domain_feed)
    assert all((profile.last_unblocked_at or 0) < CONFIG.start_ms for profile in reference.users)


def test_progress_increases_to_the_total(tmp_path: Path) -> None:
    drawn: list[tuple[int, int]] = []
    written: list[tuple[int, int]] = []
    simulation = simulate(CONFIG, lambda done, total: drawn.append((done, total)))
    write(simulation, tmp_path, lambda done, total: written.append((done, total)))
    assert drawn[-1] == (CONFIG.transaction_count, CONFIG.transaction_count)
    assert written[-1] == (len(simulation.events), len(simulation.events))
    assert drawn == sorted(drawn)
    assert written == sorted(written)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_interruption_leaves_no_files(tmp_path: Path, interruption: type[BaseException]) -> None:
    def interrupt(done: int, total: int) -> None:
        raise interruption

    with pytest.raises(interruption):
        write(simulate(CONFIG), tmp_path / "new", interrupt)
    assert list(tmp_path.iterdir()) == []


def test_interruption_keeps_files_of_an_earlier_run(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    write(simulate(CONFIG), tmp_path)
    before = _files(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write(simulate(SimulatorConfig(users=10, days=3)), tmp_path, interrupt)
    assert _files(tmp_path) == before


def test_fx_rates_file_exists_only_with_local_currencies(tmp_path: Path) -> None:
    write(simulate(SimulatorConfig(users=20, days=3, multi_currency=True)), tmp_path)
    assert FxRate("USD", 1_767_225_600_000, "1") in load_fx_rates(tmp_path / "fx_rates.csv")
    write(simulate(SimulatorConfig(users=20, days=3)), tmp_path)
    assert not (tmp_path / "fx_rates.csv").exists()
