"""The channel from child to supervisor: any bytes are a report, or refused, in bounded memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_task_worker.lifecycle.values import Notes
from django_task_worker.states import Kind
from django_task_worker.worker.messages import (
    HEADER,
    MAX_LOG_BYTES,
    BadFrame,
    FrameReader,
    Report,
    frame,
    read_report,
    report,
)

LIMIT = 4096
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
fields = st.sampled_from(
    ["id", "kind", "duration_s", "result", "error", "error_type", "traceback", "notes", "recycle", "other"]
)
storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100)
kinds = st.sampled_from([kind.value for kind in Kind])


def checked(payload: bytes) -> Report | None:
    """The report, if it is one, with every field as the supervisor relies on it."""
    try:
        found = read_report(payload)
    except BadFrame:
        return None
    assert isinstance(found.id, str)
    assert found.kind in (Kind.COMPLETED, Kind.FAILED, Kind.REFUSED, Kind.MISSING)
    assert 0 <= found.duration_s < 1e9
    for text in (found.result, found.result_json, found.error_type, found.error, found.traceback):
        assert text is None or isinstance(text, str)
    if found.notes is not None:
        assert len((found.notes.log or "").encode("utf-8", "surrogatepass")) <= MAX_LOG_BYTES
    return found


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_a_report(payload: bytes) -> None:
    checked(payload)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(fields, values | kinds), kinds)
def test_any_object_is_refused_or_a_report(content: dict[str, Any], kind: str) -> None:
    checked(json.dumps(content).encode())
    checked(json.dumps({"id": "x", "kind": kind, "duration_s": 1.0, **content}).encode())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 200), max_size=40))
def test_frames_come_out_whole_however_they_are_cut(payloads: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(frame(payload) for payload in payloads)
    reader, found = FrameReader(LIMIT), []
    for size in [*sizes, len(stream) + 1]:
        chunk, stream = stream[:size], stream[size:]
        found += list(reader.feed(chunk))
    assert found == payloads


@given(st.integers(LIMIT + 1, 2**32 - 1))
def test_a_length_beyond_the_limit_is_refused_before_anything_is_kept(length: int) -> None:
    with pytest.raises(BadFrame, match="the limit is"):
        list(FrameReader(LIMIT).feed(HEADER.pack(length) + b"x"))


@settings(deadline=None)
@given(storable, st.floats(0, 1e8), storable)
def test_what_a_child_sends_comes_back_as_it_was(task_id: str, duration_s: float, text: str) -> None:
    notes = Notes(log=text, log_size=len(text), progress=None)
    sent = Report(id=task_id, kind=Kind.FAILED, duration_s=duration_s, error=text, notes=notes)
    assert read_report(report(sent)[HEADER.size :]) == sent
