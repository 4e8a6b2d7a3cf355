"""What supervisor and child say to each other: an assignment one way, a report the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from json.encoder import encode_basestring as _text
from math import isfinite
from struct import Struct
from typing import Any

from django_task_worker.lifecycle.values import Claimed, Notes
from django_task_worker.states import Kind
from django_task_worker.worker.text import (
    MAX_ERROR_BYTES,
    MAX_TRACEBACK_BYTES,
    shortened,
    size_of,
    storable,
)

HEADER = Struct("!I")
OVERHEAD = 8
"""A JSON text may take this many times the bytes of what it holds."""
MAX_LOG_BYTES = 80 * 1024
MAX_MESSAGE_BYTES = 4000
MAX_SIZE = 2**63


class BadFrame(Exception):
    """The other side sent what is no message."""


def frame(payload: bytes) -> bytes:
    """The payload behind its length."""
    return HEADER.pack(len(payload)) + payload


class FrameReader:
    """Cuts what arrives into payloads. Never holds more than one payload of `limit` bytes and one chunk."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The payloads that are complete now. Raises BadFrame when one is announced as too long."""
        buffer = self._buffer
        buffer += chunk
        start = 0
        while len(buffer) - start >= HEADER.size:
            (length,) = HEADER.unpack_from(buffer, start)
            if length > self._limit:
                raise BadFrame(f"a message of {length:,} bytes; the limit is {self._limit:,}")
            end = start + HEADER.size + length
            if len(buffer) < end:
                break
            yield bytes(buffer[start + HEADER.size : end])
            start = end
        del buffer[:start]


@dataclass(kw_only=True, slots=True)  # not frozen: it would take thrice as long to make one
class Assignment:
    """A task to run, as the child sees it."""

    id: str
    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    attempt: int


def assignment(task: Claimed) -> bytes:
    """The frame for a task; its arguments go through as the texts that the database gave."""
    task_id = f'"{task.id}"' if task.id.isalnum() else json.dumps(task.id)
    head = f'{{"id": {task_id}, "name": {_quoted(task.name)}, "attempt": {task.retry_count + 1}'
    return frame(f'{head},"args":{task.args},"kwargs":{task.kwargs}}}'.encode())


@lru_cache(maxsize=2048)
def _quoted(text: str) -> str:
    return json.dumps(text)


def read_assignment(payload: bytes) -> Assignment:
    """Raises ValueError when the row's arguments are not a list and a dict with text keys."""
    fields = _parsed(payload)
    args, kwargs = fields["args"], fields["kwargs"]
    args = [] if args is None else args
    kwargs = {} if kwargs is None else kwargs
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise ValueError("the row's args must be a JSON list and its kwargs a JSON object")
    return Assignment(
        id=fields["id"], name=fields["name"], attempt=fields["attempt"], args=args, kwargs=kwargs
    )


@dataclass(kw_only=True, slots=True)
class Report:
    """How a run ended, as the child saw it."""

    id: str
    kind: Kind
    duration_s: float
    result: str | None = None
    result_json: str | None = None
    error_type: str | None = None
    error: str | None = None
    traceback: str | None = None
    notes: Notes | None = None
    recycle: bool = False
    """The child ends now; somebody else must take what it was assigned beyond this."""


_TEXT_TYPES = (str, type(None))
_decode = json.JSONDecoder().raw_decode
_KINDS = {kind.value: kind for kind in (Kind.COMPLETED, Kind.FAILED, Kind.REFUSED, Kind.MISSING)}
_TEXTS = ("result", "result_json", "error_type", "error", "traceback")
_FIELDS = {"id", "kind", "duration_s", "notes", "recycle", *_TEXTS}
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


def report(found: Report) -> bytes:
    """The frame for a report."""
    if found.kind is Kind.COMPLETED and found.notes is None and not found.recycle:
        return _brief_report(found)
    fields: dict[str, Any] = {"id": found.id, "kind": found.kind, "duration_s": found.duration_s}
    for name in _TEXTS:
        text = getattr(found, name)
        if text is not None:
            fields[name] = text
    if found.notes is not None:
        fields["notes"] = asdict(found.notes)
    if found.recycle:
        fields["recycle"] = True
    return frame(_encode(fields).encode())


def _brief_report(found: Report) -> bytes:
    """The commonest kind, written by hand: the encoder takes longer than all else together."""
    text = f'{{"id":{_text(found.id)},"kind":"completed","duration_s":{found.duration_s!r}'
    if found.result is not None:
        text += f',"result":{_text(found.result)}'
    if found.result_json is not None:
        text += f',"result_json":{_text(found.result_json)}'
    return frame(f"{text}}}".encode())


def read_report(payload: bytes) -> Report:
    """Raises BadFrame for anything but a report that a child may send: user code shares its process."""
    try:
        fields = _parsed(payload)
        if not fields.keys() <= _FIELDS:
            raise ValueError("a field that it does not have")
        texts = [fields.get(name) for name in _TEXTS]
        if not all(type(text) in _TEXT_TYPES for text in texts):
            raise ValueError("a text of the wrong type")
        task_id, duration_s = fields["id"], float(fields["duration_s"])
        if not isinstance(task_id, str) or not 0 <= duration_s < 1e9:
            raise ValueError("a field of the wrong type")
        result, result_json, error_type, error, traceback = texts
        return Report(
            id=task_id,
            kind=_KINDS[fields["kind"]],
            duration_s=duration_s,
            result=None if result is None else storable(result),
            result_json=None if result_json is None else _checked_json(result_json),
            error_type=None if error_type is None else storable(error_type)[:255],
            error=None if error is None else shortened(error, MAX_ERROR_BYTES),
            traceback=None if traceback is None else shortened(traceback, MAX_TRACEBACK_BYTES),
            notes=_notes(fields["notes"]) if "notes" in fields else None,
            recycle=bool(fields.get("recycle")),
        )
    except (ValueError, ArithmeticError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise BadFrame(f"no report: {problem}") from None


def _parsed(payload: bytes) -> Any:
    """The JSON value that is the whole of it. Raises ValueError; `json.loads` takes twice as long."""
    text = payload.decode()
    value, end = _decode(text)
    if end != len(text):
        raise ValueError("not JSON alone")
    return value


def _checked_json(text: str) -> str | None:
    """The JSON text, or None where a database could refuse it, as the child would have it."""
    if "\\u0000" in text:
        return None
    try:
        size_of(text)
        value = _STRICT.decode(text)
        if "\\u" in text:
            size_of(_encode(value))
    except (ValueError, RecursionError):
        return None
    return text


def _finite(number: str) -> float:
    value = float(number)
    if not isfinite(value):
        raise ValueError("no finite number")
    return value


_STRICT = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def _notes(fields: Any) -> Notes:
    """Raises KeyError, TypeError or ValueError for what are no notes."""
    log, size = fields["log"], fields["log_size"]
    if not isinstance(log, str | None) or not isinstance(size, int) or not 0 <= size < MAX_SIZE:
        raise TypeError("notes of the wrong type")
    return Notes(
        log=None if log is None else shortened(log, MAX_LOG_BYTES),
        log_size=size,
        progress=_progress(fields["progress"]),
    )


def _progress(fields: Any) -> dict[str, Any] | None:
    if fields is None:
        return None
    done, total, message = fields["done"], fields["total"], fields["message"]
    if not all(isinstance(n, int | float) and abs(n) < 1e300 for n in (done, total or 0)):
        raise ValueError("progress is no number")
    return {"done": done, "total": total, "message": shortened(message, MAX_MESSAGE_BYTES)}
