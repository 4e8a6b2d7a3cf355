"""Nothing that comes from outside can speak to the terminal."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from django_task_worker.cleaning import clean
from taskctl.render.block import block
from taskctl.render.table import Cell, Heading, Look, cut, table
from taskctl.terminal import escape, to_json

NASTY = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x07",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31m",
    "\x90q\x9c",
    "[/]",
    "[link=http://x]y[/link]",
    "[bold red]x",
    "\u202eabc",
    "\u2066x\u2069",
    "e" + "\u0301" * 10_000,
    ":smile:",
    "a\nb",
    "a\rb",
    "a\x00b\x7f",
    "\ud800",
    "\u200b\ufeff",
    "\ue000",
    "日本語 🙂",
]
ALLOWED = re.compile(r"\x1b\[(0|1|2|3[1-6])m")
anything = st.text() | st.sampled_from(NASTY)


def is_safe(line: str) -> bool:
    """Only printable characters and our own colours."""
    return ALLOWED.sub("", line).isprintable()


@given(anything)
def test_clean_text_is_printable_and_on_one_line(text: str) -> None:
    assert clean(text).isprintable()
    assert clean(text, ascii_only=True).isascii()
    assert clean(text, ascii_only=True).isprintable()


@given(anything)
def test_printable_text_stays_as_it_is(text: str) -> None:
    if text.isprintable() and len(text) <= 2000:
        assert clean(text) == text


def test_what_is_not_printable_leaves_a_mark() -> None:
    assert clean("a\x1b[2J\nb\u202ec") == "a\N{REPLACEMENT CHARACTER}[2J␤b\N{REPLACEMENT CHARACTER}c"
    assert clean("a\x1b\nb\u202eé", ascii_only=True) == r"a\x1b\nb\u202e\xe9"


def test_a_huge_text_costs_no_more_than_its_limit() -> None:
    assert len(clean("x" * 10**7, 320)) == 320


@given(
    st.lists(st.tuples(anything, anything, anything), max_size=4),
    st.integers(1, 200),
    st.booleans(),
    st.booleans(),
)
def test_a_table_holds_nothing_but_text_and_colours_and_keeps_its_width(
    rows: list[tuple[str, str, str]], width: int, colour: bool, ascii_only: bool
) -> None:
    headings = [Heading("task", weight=2), Heading("queue", drop=1), Heading("error", weight=3)]
    cells = [[Cell(a, middle=True), Cell(b, "red"), Cell(c)] for a, b, c in rows]
    lines = table(headings, cells, Look(width=width, colour=colour, ascii_only=ascii_only))
    assert len(lines) == len(rows) + 1
    assert all(is_safe(line) for line in lines)
    assert not ascii_only or all(line.isascii() for line in lines)
    if width >= 30:
        assert all(cell_len(ALLOWED.sub("", line)) <= width for line in lines)


@given(anything, st.booleans())
def test_a_block_holds_nothing_but_text_and_colours(text: str, colour: bool) -> None:
    assert all(is_safe(line) for line in block([("error", text, "red")], Look(colour=colour)))


@given(anything, st.integers(1, 50), st.booleans())
def test_a_cut_text_fits(text: str, width: int, middle: bool) -> None:
    assert cell_len(cut(clean(text), width, middle=middle)) <= width


def test_a_dotted_name_is_cut_in_the_middle() -> None:
    assert cut("reports.tasks.quarterly.monthly", 20, middle=True) == "reports.tas….monthly"
    assert cut("reports.tasks.monthly", 8, middle=True) == "reports…"
    assert cut("reports.tasks.monthly", 40, middle=True) == "reports.tasks.monthly"


@given(anything)
def test_a_tsv_value_is_one_field_and_can_be_read_back(text: str) -> None:
    field = escape(text)
    assert field.isprintable()
    assert unescape(field) == text


def unescape(field: str) -> str:
    short = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    return re.sub(
        r"\\(?:x(..)|u(....)|U(........)|(.))",
        lambda m: short[m[4]] if m[4] else chr(int(m[1] or m[2] or m[3], 16)),
        field,
    )


@given(anything)
def test_json_is_one_line_and_on_a_terminal_ascii(text: str) -> None:
    assert "\n" not in to_json({"error": text})
    assert to_json({"error": text}, ascii_only=True).isascii()
    assert not any(unicodedata.category(c) == "Cc" for c in to_json({"error": text}) if ord(c) < 128)


@pytest.mark.parametrize("text", NASTY)
def test_nothing_nasty_passes(text: str) -> None:
    (line,) = table([Heading("x")], [[Cell(text)]], Look(header=False))
    assert is_safe(line)
