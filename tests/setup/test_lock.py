"""requirements.lock has a hash for each file of each package, and what is installed by it is checked against them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LOCK = (PROJECT / "requirements.lock").read_text()
UV = Path(sys.executable).parent / "uv"


def packages() -> dict[str, str]:
    """`name==version` and the lines that belong to it."""
    parts = re.split(r"^([\w.-]+==\S+)", LOCK, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_package_has_hashes() -> None:
    assert len(packages()) > 100
    for package, rest in packages().items():
        assert re.search(r"^    --hash=sha256:[0-9a-f]{64}\b", rest, flags=re.MULTILINE), package


def test_the_lock_names_no_index_and_no_address() -> None:
    assert not re.search(r"^\s*-|://|@", re.sub(r"^    --hash=.*$", "", LOCK, flags=re.MULTILINE), flags=re.MULTILINE)


def test_all_that_installs_by_the_lock_requires_the_hashes() -> None:
    files = ["Makefile", "docker/Dockerfile", "cli/managed_flink_package.py"]
    texts = [(PROJECT / file).read_text().replace("\\\n", " ") for file in files]
    installs = re.findall(r"^.*(?:pip install|pip sync|uv\.txt &&).*lock.*$", texts[0], flags=re.MULTILINE)
    installs += re.findall(r"pip install [^&]*(?:lock|uv\.txt)[^&\n]*", texts[1])
    assert len(installs) == 5
    assert [line for line in installs if "--require-hashes" not in line] == []
    assert "--require-hashes" in texts[2]


def test_the_installer_itself_is_taken_with_its_hashes() -> None:
    """By the line of sed in the Makefile, which pip is given."""
    (script,) = re.findall(r"sed -n '(.*)' requirements.lock", (PROJECT / "Makefile").read_text())
    command = ["sed", "-n", script.replace("$$", "$"), str(PROJECT / "requirements.lock")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    name, *hashes = printed
    assert re.fullmatch(r"uv==[\d.]+ \\", name)
    assert len(hashes) > 3
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line) for line in hashes)


@pytest.mark.parametrize("is_right", [True, False])
def test_a_file_with_another_hash_is_not_installed(tmp_path: Path, is_right: bool) -> None:
    wheel = tmp_path / "mine-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mine.py", "")
        archive.writestr("mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        archive.writestr("mine-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("mine-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes() if is_right else b"another file").hexdigest()
    lock = tmp_path / "lock"
    lock.write_text(f"mine==1.0 \\\n    --hash=sha256:{digest}\n")
    where = ["--no-index", "--find-links", str(tmp_path), "--target", str(tmp_path / "target"), "--no-cache"]
    command = [str(UV), "pip", "sync", "--require-hashes", *where, str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) is is_right
    assert (tmp_path / "target" / "mine.py").exists() is is_right
    assert is_right or "Hash mismatch" in done.stderr
