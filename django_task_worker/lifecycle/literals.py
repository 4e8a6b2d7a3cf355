"""Values as Postgres literals. The driver binds too, but takes several times as long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

Line = Any
"""A `psycopg.pq.PGconn`."""
Quote = Callable[[bytes], Any]


def bound(sql: str, values: Mapping[str, Any] | Sequence[Any] | None, line: Line) -> str:
    """The statement with its values in the places of `%s` or `%(name)s`; None: it has no such places.

    Raises psycopg.DataError for a text that Postgres cannot store.
    """
    if values is None:
        return sql
    quote = _escaping()(line).escape_literal
    if isinstance(values, Mapping):
        return sql % {name: _literal(value, quote) for name, value in values.items()}
    return sql % tuple([_literal(value, quote) for value in values])


def _literal(value: Any, quote: Quote) -> str:
    """Of None, a bool, number, text, list of texts or datetime with a time zone."""
    if isinstance(value, str):
        return _text(value, quote)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value} " if value >= 0 else f" {value}"
    if isinstance(value, float):
        return f"'{value!r}'::float8"
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'::timestamptz"
    if isinstance(value, list):
        return _text(array(value), quote)
    raise TypeError(f"no literal for {type(value).__name__}")


def _text(text: str, quote: Quote) -> str:
    if "\0" in text:
        from psycopg import DataError

        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return str(quote(text.encode()), "utf-8")


@lru_cache(maxsize=1)
def _escaping() -> Any:
    from psycopg.pq import Escaping

    return Escaping


def array(texts: Iterable[str | None]) -> str:
    """A Postgres array literal. A driver that is handed a list takes five times as long."""
    return "{" + ",".join(["NULL" if text is None else _quoted(text) for text in texts]) + "}"


def numbers(found: Iterable[float | None]) -> str:
    """The same for numbers, which need no quotes."""
    return "{" + ",".join(["NULL" if number is None else repr(number) for number in found]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
