"""From bytes to keys, however they are cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskctl.dashboard.keys import Keys


def keys(*pieces: bytes) -> list[str]:
    decoder = Keys()
    return [key for piece in pieces for key in decoder.feed(piece)]


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"q", ["q"]),
        (b"\x03\x1a\x0c", ["Ctrl-C", "Ctrl-Z", "Ctrl-L"]),
        (b"\x1b[A\x1b[B\x1bOA\x1b[5~\x1b[6~", ["Up", "Down", "Up", "PgUp", "PgDn"]),
        (b"\t\x1b[Z\r ", ["Tab", "Shift-Tab", "Enter", "Space"]),
        ("日é".encode(), ["日", "é"]),
        (b"\x1b[99;99;99~q", ["q"]),
        (b"\x1b[?1;2cq", ["q"]),
        (b"\x1b[<0;10;10Mq", ["q"]),
        (b"\x1bq", ["Esc", "q"]),
    ],
)
def test_sequences_become_names(data: bytes, names: list[str]) -> None:
    assert keys(data) == names
    assert keys(*(bytes([byte]) for byte in data)) == names


def test_an_escape_alone_is_a_key_once_nothing_follows() -> None:
    decoder = Keys()
    assert decoder.feed(b"\x1b") == []
    assert decoder.is_waiting
    assert decoder.flush() == ["Esc"]
    assert not decoder.is_waiting


def test_half_a_sequence_that_breaks_off_is_nothing() -> None:
    decoder = Keys()
    assert decoder.feed(b"\x1b[1;") == []
    assert decoder.flush() == []
    assert decoder.feed(b"q") == ["q"]


def test_what_is_pasted_is_no_key() -> None:
    assert keys(b"\x1b[200~Ry\x03q\x1b[201~j") == ["Paste:Ry\x03q", "j"]
    assert keys(b"\x1b[200~R", b"y\x1b[2", b"01~j") == ["Paste:Ry", "j"]


@given(st.binary(max_size=300))
def test_any_bytes_are_survived_in_bounded_memory(data: bytes) -> None:
    decoder = Keys()
    for byte in data * 3:
        decoder.feed(bytes([byte]))
    assert len(decoder._rest) <= 4200
    decoder.flush()
