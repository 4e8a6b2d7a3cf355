"""Of a long text the beginning and the end are kept; whoever follows it sees each part once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from django_task_worker.excerpt import HEAD, TAIL, gap, unseen
from django_task_worker.worker.slate import Slate


def written(slate: Slate, text: str) -> tuple[str, int]:
    slate.write(text.encode())
    return slate.text, slate.size


def test_what_is_new_is_what_was_written_since() -> None:
    slate = Slate()
    _, seen = written(slate, "one\n")
    assert unseen(*written(slate, "two, naïve\n"), seen) == "two, naïve\n"
    assert unseen(slate.text, slate.size, slate.size) == ""
    assert unseen(slate.text, slate.size, 0) == "one\ntwo, naïve\n"


def test_of_much_that_is_new_the_beginning_is_not_told_twice() -> None:
    slate = Slate()
    _, seen = written(slate, "the beginning\n")
    text = "x" * 200_000 + "\nthe end\n"
    found = unseen(*written(slate, text), seen)
    assert "the beginning" not in found
    assert found == gap(len(text) - TAIL) + text[-TAIL:]


@pytest.mark.parametrize("seen", [HEAD + TAIL, 3 * TAIL])
def test_of_a_text_that_is_cut_the_end_is_told_as_it_grows(seen: int) -> None:
    slate = Slate()
    written(slate, "x" * seen)
    assert unseen(*written(slate, "one more line\n"), seen) == "one more line\n"


@given(some.lists(some.integers(min_value=1, max_value=50_000), min_size=1, max_size=8), some.data())
def test_followed_in_pieces_nothing_comes_twice_and_what_is_missing_is_counted(
    sizes: list[int], data: some.DataObject
) -> None:
    slate, whole, seen, told, missing = Slate(), "", 0, 0, 0
    for number, size in enumerate(sizes):
        whole += chr(ord("a") + number) * size
        slate.write(whole[-size:].encode())
        if number == len(sizes) - 1 or data.draw(some.booleans()):
            piece = unseen(slate.text, slate.size, seen)
            _, separator, rest = piece.partition("\n… ")
            if separator and seen:
                left_out, _, piece = rest.partition(" bytes left out …\n")
                missing += int(left_out.replace(",", ""))
            elif separator:
                return  # the first look: the cut text as it is
            assert whole.endswith(piece)
            told, seen = told + len(piece), slate.size
    assert told + missing == len(whole)
