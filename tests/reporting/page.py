"""Parses a report page: elements, ids, numbers and text."""

from __future__ import annotations

from html.parser import HTMLParser

VOID_ELEMENTS = {"meta", "br", "link", "img", "input", "hr", "wbr"}


class Page(HTMLParser):
    """`numbers`: value of each <data> by its id; `rows`: per table id, the rows as lists of their cells' texts;

    `values`: the same rows as the raw numbers of their <data>; `open`: elements never closed or closed wrongly.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.ids: list[str] = []
        self.numbers: dict[str, str] = {}
        self.rows: dict[str, list[list[str]]] = {}
        self.values: dict[str, list[list[float | None]]] = {}
        self.text = ""
        self.wrong: list[str] = []
        self._stack: list[str] = []
        self._table = ""
        self.feed(html)
        self.close()
        self.wrong += self._stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        given = dict(attrs)
        if tag not in VOID_ELEMENTS:
            self._stack.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "table":
            self._table = str(given.get("id", ""))
            self.rows[self._table], self.values[self._table] = [], []
        elif tag == "tr" and self._table:
            self.rows[self._table].append([])
            self.values[self._table].append([])
        elif tag in ("td", "th") and self._table:
            self.rows[self._table][-1].append("")
        elif tag == "data":
            value = str(given["value"])
            if given.get("id"):
                self.numbers[str(given["id"])] = value
            if self._table:
                self.values[self._table][-1].append(float(value) if value else None)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID_ELEMENTS:
            self._stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._stack or self._stack[-1] != tag:
            self.wrong.append(f"</{tag}>")
        else:
            self._stack.pop()
        if tag == "table":
            self._table = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._table and self._stack[-1] not in ("table", "tbody", "thead", "tr") and self.rows[self._table]:
            cells = self.rows[self._table][-1]
            if cells:
                cells[-1] += data
