"""Vendored files are those that were fetched, and all words that templates and scripts ask for are there."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from console.web.rendering import FOLDER, STATIC
from console.web.texts import Texts

TESTS_OWN = Path(__file__).parent / "vendor"


def test_vendored_files_have_their_hashes_and_are_all_listed() -> None:
    for folder in (STATIC / "vendor", TESTS_OWN):
        lines = [line.split() for line in (folder / "VENDORED").read_text().splitlines() if not line.startswith("#")]
        listed = {file: digest for _, _, digest, _, file in lines}
        found = {
            path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != "VENDORED"
        }
        assert found == listed


def test_every_key_of_the_templates_has_words() -> None:
    words = Texts().words
    for template in (FOLDER / "templates").glob("*.html"):
        text = template.read_text()
        for key in re.findall(r'\bt\("([^"]+)"[),]', text):
            assert key in words, (template.name, key)
        for prefix in re.findall(r'\bt\("([a-z_]+\.)" ~', text):
            assert any(key.startswith(prefix) for key in words), (template.name, prefix)


def test_templates_have_no_scripts_styles_or_handlers_of_their_own() -> None:
    for template in (FOLDER / "templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son[a-z]+=|javascript:|\|safe|hx-on", text), (
            template.name
        )
