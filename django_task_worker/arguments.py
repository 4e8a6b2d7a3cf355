"""Arguments to JSON text: what may be stored, checked before any SQL. Pure."""

from __future__ import annotations

import json
from math import isfinite
from reprlib import repr as brief_repr
from typing import TYPE_CHECKING, Any

from django_task_worker.exceptions import InvalidArguments

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 64
_LISTS = (list, tuple)
_CONTAINERS = (list, tuple, dict)
# A cycle ends in RecursionError, so the encoder need not look for one each time.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))
_ADVICE = {
    "Decimal": "pass str(value)",
    "date": "pass value.isoformat()",
    "datetime": "pass value.isoformat()",
    "time": "pass value.isoformat()",
    "timedelta": "pass value.total_seconds()",
    "UUID": "pass str(value)",
    "bytes": "pass text, for example base64",
    "bytearray": "pass text, for example base64",
    "set": "pass a list",
    "frozenset": "pass a list",
    "dict_keys": "pass a list",
    "dict_values": "pass a list",
    "generator": "pass a list",
    "range": "pass a list",
    "complex": "pass two numbers",
}


def check(args: Any, kwargs: Any, limit_bytes: int) -> tuple[str, str]:
    """The two compact JSON texts to store. Raises InvalidArguments with the place and the way out.

    `args` is a list or tuple, `kwargs` a dict, or None for empty. Tuples become lists. Keys are texts,
    numbers finite, nesting at most 64 deep with `args` or `kwargs` itself as the first level, texts without
    NUL and lone surrogates; both together take at most `limit_bytes` as UTF-8.
    """
    args_text = _positional(args)
    kwargs_text = _keyword(kwargs)
    size = _size(args_text, args, "args") + _size(kwargs_text, kwargs, "kwargs")
    if size > limit_bytes:
        raise InvalidArguments(
            f"the arguments take {size:,} bytes as JSON, the limit is {limit_bytes:,}: store the data "
            "elsewhere and pass where it is"
        )
    if not _is_sound(args_text, args):
        _walk(args, "args")
    if not _is_sound(kwargs_text, kwargs):
        _walk(kwargs, "kwargs")
    return args_text, kwargs_text


def is_nested_deeper(value: Any, levels: int) -> bool:
    """Whether a checked value has more levels than that, itself being the first."""
    return not _has_sound_levels(value, levels)


def _positional(args: Any) -> str:
    if args is None:
        return "[]"
    if not isinstance(args, _LISTS):
        raise InvalidArguments(f"args must be a list or a tuple, not {_kind(args)}{_one_alone(args)}")
    return _encode(args, "args")


def _keyword(kwargs: Any) -> str:
    if kwargs is None:
        return "{}"
    if not isinstance(kwargs, dict):
        raise InvalidArguments(f"kwargs must be a dict, not {_kind(kwargs)}")
    return _encode(kwargs, "kwargs")


def _one_alone(args: Any) -> str:
    if isinstance(args, dict):
        return "; named arguments go into kwargs"
    return "; write [value] for a single argument" if isinstance(args, str | int | float) else ""


def _encode(value: Any, where: str) -> str:
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    _walk(value, where)
    raise InvalidArguments(f"{where} cannot be written as JSON: {reason:.200}")


def _size(text: str, value: Any, where: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        pass
    _walk(value, where)
    raise InvalidArguments(f"{where} holds half a character (a lone surrogate)")


def _is_sound(text: str, value: Any) -> bool:
    """Whether the encoder let nothing through that it should not: odd keys, depth, NUL (or `\\u0000`)."""
    if len(text) == 2:
        return True
    if "\\u0000" in text:
        return False
    if "{" not in text and text.count("[") <= MAX_DEPTH:
        return True
    return _has_sound_levels(value, MAX_DEPTH)


def _has_sound_levels(value: Any, levels: int) -> bool:
    if levels == 0:
        return False
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                return False
        value = value.values()
    for item in value:
        if isinstance(item, _CONTAINERS) and not _has_sound_levels(item, levels - 1):
            return False
    return True


def _walk(value: Any, where: str) -> None:
    """Look at every value, without recursion; raise for the first that cannot be stored."""
    open_here: list[tuple[Iterator[tuple[str, Any]], int]] = []
    ancestors: set[int] = set()
    pending: tuple[str, Any] | None = (where, value)
    while pending is not None or open_here:
        if pending is None:
            children, identity = open_here[-1]
            pending = next(children, None)
            if pending is None:
                ancestors.discard(identity)
                open_here.pop()
            continue
        path, value = pending
        pending = None
        if not isinstance(value, _CONTAINERS):
            _check_scalar(path, value)
            continue
        if id(value) in ancestors:
            raise InvalidArguments(f"{_short(path)} contains itself")
        if len(open_here) >= MAX_DEPTH:
            raise InvalidArguments(f"{_short(path)} is nested deeper than {MAX_DEPTH} levels")
        ancestors.add(id(value))
        open_here.append((_children(path, value), id(value)))


def _children(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidArguments(
                    f"{_short(path)} has the key {brief_repr(key)}, {_kind(key)}; JSON has only texts as keys"
                )
            _check_text(f"a key of {_short(path)}", key)
            yield f"{path}[{key[:40]!r}]", item
    else:
        for index, item in enumerate(value):
            yield f"{path}[{index}]", item


def _check_scalar(path: str, value: Any) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(_short(path), value)
    elif isinstance(value, int):
        _check_digits(path, value)
    elif isinstance(value, float):
        if not isfinite(value):
            raise InvalidArguments(
                f"{_short(path)} is {value!r}; JSON has no such number, pass None or a text"
            )
    else:
        advice = _ADVICE.get(type(value).__name__) or _advice(value)
        raise InvalidArguments(f"{_short(path)} is {_kind(value)}, which JSON cannot hold; {advice}")


def _advice(value: Any) -> str:
    if hasattr(value, "_meta") and hasattr(value, "pk"):
        return "pass its primary key (value.pk) and load it in the task"
    if hasattr(type(value), "__members__"):
        return "pass value.value"
    return "pass a text, a number, True, False, None, a list or a dict"


def _check_text(what: str, text: str) -> None:
    if "\0" in text:
        raise InvalidArguments(f"{what} holds NUL (\\x00), which databases refuse; remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidArguments(
                f"{what} holds half a character (a lone surrogate); decode the text with errors='replace'"
            ) from None


def _check_digits(path: str, value: int) -> None:
    try:
        int.__repr__(value)
    except ValueError:
        raise InvalidArguments(f"{_short(path)} is a number with too many digits; pass hex(value)") from None


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"


def _short(path: str) -> str:
    return path if len(path) <= 120 else f"{path[:60]}…{path[-50:]}"
