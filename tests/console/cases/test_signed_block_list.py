"""Blocks made in the console are signed in the name of who blocks, and refused where the job would refuse them."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.cases.block_list import BlockList, BlockListError
from jobs.control.file_channel import FileChannel
from tests.udfs.control.signers import KEYS, NOW, trusting
from udfs.control.authority import Authority
from udfs.control.envelope import Publication, decode_record


def block(folder: Path, is_signed: bool, approvals: bool = False) -> BlockList:
    authority = Authority(trusting("console", approvals_required=approvals))
    made = BlockList(FileChannel(folder), authority, KEYS["console"] if is_signed else None, lambda: NOW)
    made.publish("device", "D1", True, "anna", "stolen", None, None)
    return made


def test_a_block_is_signed_in_the_name_of_who_blocks(tmp_path: Path) -> None:
    made = block(tmp_path, is_signed=True)
    entry = made.entry("device", "D1")
    assert entry is not None
    assert (entry.blocked, entry.author, entry.reason_code) == (True, "anna", "stolen")
    [published] = FileChannel(tmp_path).read()
    link = decode_record(published.payload).link
    assert isinstance(link, Publication)
    assert link.authorship.person == "anna"


@pytest.mark.parametrize(("is_signed", "approvals"), [(False, False), (True, True)])
def test_a_block_without_a_signature_or_approval_that_is_needed_is_refused(
    tmp_path: Path, is_signed: bool, approvals: bool
) -> None:
    with pytest.raises(BlockListError, match="approv" if approvals else "sign"):
        block(tmp_path, is_signed, approvals)
    assert FileChannel(tmp_path).read() == []
