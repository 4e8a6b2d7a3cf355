"""Memory that two processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.worker import slate as module
from django_task_worker.worker.slate import HEAD, TAIL, Slate


@pytest.fixture
def slate() -> Iterator[Slate]:
    slate = Slate()
    yield slate
    slate.close()


def test_a_blank_slate_has_no_notes(slate: Slate) -> None:
    assert slate.is_blank
    assert slate.notes() is None


@given(st.lists(st.text(max_size=50)))
def test_what_fits_is_kept_as_it_is(texts: list[str]) -> None:
    slate = Slate()
    for text in texts:
        slate.write(text.encode("utf-8", "replace"))
    whole = "".join(texts).encode("utf-8", "replace")
    assert slate.text == whole.decode().replace("\0", "?")
    assert slate.size == len(whole)
    slate.close()


@given(st.lists(st.integers(min_value=0, max_value=3 * TAIL), max_size=12))
def test_of_more_the_first_and_the_last_part_are_kept(lengths: list[int]) -> None:
    slate = Slate()
    whole = bytes(33 + position % 89 for position in range(sum(lengths)))
    at = 0
    for length in lengths:
        slate.write(whole[at : at + length])
        at += length
    assert slate.size == len(whole)
    text = slate.text.encode()
    if len(whole) <= HEAD + TAIL:
        assert text == whole
    else:
        assert text.startswith(whole[:HEAD])
        assert text.endswith(whole[-TAIL:])
        left_out = f"\n… {len(whole) - HEAD - TAIL:,} bytes left out …\n".encode()
        assert text == whole[:HEAD] + left_out + whole[-TAIL:]
    slate.close()


def test_letters_that_the_gap_cuts_are_left_out(slate: Slate) -> None:
    slate.write(b"x" + "é".encode() * (HEAD + TAIL))
    first, _, last = slate.text.split("\n")
    assert set(first) == {"x", "é"}
    assert set(last) == {"é"}


def test_progress_is_what_was_told_last(slate: Slate) -> None:
    slate.set_progress(1, None, b"")
    assert slate.progress == {"done": 1, "total": None, "message": ""}
    slate.set_progress(2.5, 10, "naïve".encode())
    assert slate.progress == {"done": 2.5, "total": 10, "message": "naïve"}
    assert slate.progress_count == 2
    assert not slate.is_blank


def test_a_wiped_slate_is_blank(slate: Slate) -> None:
    slate.write(b"text")
    slate.set_progress(1, 2, b"message")
    slate.wipe()
    assert slate.is_blank
    assert slate.notes() is None
    slate.write(b"new")
    notes = slate.notes()
    assert notes is not None
    assert (notes.log, notes.log_size, notes.progress) == ("new", 3, None)


def test_what_a_child_wrote_is_there_when_it_is_gone(slate: Slate) -> None:
    pid = os.fork()
    if pid == 0:
        slate.write(b"last words")
        slate.set_progress(1, 2, b"dying")
        os._exit(1)
    os.waitpid(pid, 0)
    notes = slate.notes()
    assert notes is not None
    assert notes.log == "last words"
    assert notes.progress == {"done": 1, "total": 2, "message": "dying"}


@given(st.binary(min_size=200, max_size=200))
def test_whatever_a_task_does_to_the_memory_can_be_read(noise: bytes) -> None:
    slate = Slate()
    slate._memory[: len(noise)] = noise
    notes = slate.notes()
    if notes is not None:
        assert len((notes.log or "").encode()) < HEAD + TAIL + 100
        assert "\0" not in (notes.log or "")
        assert notes.progress is None or len(str(notes.progress)) < 2 * module.MESSAGE_BYTES
    slate.close()


def test_nothing_begins_once_it_is_held(slate: Slate, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(Exception):
        pass

    def end(_: float) -> None:
        raise Ended

    slate.begin()
    slate.begin()
    slate.hold()
    monkeypatch.setattr(module.time, "sleep", end)
    with pytest.raises(Ended):
        slate.begin()
    assert slate.begun == 2
    assert slate.is_blank
