"""`taskctl __complete KIND PREFIX [-- WORDS…]`: what a shell asks for when Tab is pressed.

It must be as quick as Python can be, so it reads the cache and touches neither Typer, Django nor the
database. KIND id may be restricted to some statuses, as `id:pending,running`. WORDS are those of the
command line before the one to complete: they name the project, and for KIND param the task.
"""

from __future__ import annotations

import os
import re
import sys
import time
from itertools import islice

from taskctl.suggestions import cache, place

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer than all we do
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    Pair = tuple[str, str]

MOST = 1000
LONGEST = 80
PLAIN = re.compile(r"[\w.][\w.+@-]*")
"""What every shell takes for one word and nothing else, unquoted."""


def main(argv: Sequence[str]) -> int:
    """Prints `value<TAB>description` lines; then has the cache written anew if it is missing or old."""
    kind, prefix, only, words = _read(argv)
    given = {name: value for name in place.NAMES if (value := value_of(f"--{name}", words))}
    try:
        path = place.file_for(given, os.environ, place.here(os.environ))
        if path is not None:
            _answer(path, kind, prefix, only, words, given)
    except OSError:  # the folder is gone, or the shell does not listen any more
        return 1
    return 0


def _answer(
    path: str, kind: str, prefix: str, only: str, words: Sequence[str], given: Mapping[str, str]
) -> None:
    content, now = cache.load(path), time.time()
    pairs = suggestions(kind, prefix, only, content, words, now)
    text = "".join(f"{value}\t{about}\n" for value, about in pairs)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()
    if cache.age_s(content, "at", now) > cache.STALE_S:
        from taskctl.suggestions import refresh

        refresh.start(path, given, now)


def _read(argv: Sequence[str]) -> tuple[str, str, str, list[str]]:
    words = list(argv)
    at = words.index("--") if "--" in words else len(words)
    kind, prefix, *_ = [*words[:at], "", ""]
    kind, _, only = kind.partition(":")
    return kind, prefix, only, words[at + 1 :]


def value_of(flag: str, words: Sequence[str]) -> str | None:
    """What follows a flag, as `--flag value` or `--flag=value`."""
    for at, word in enumerate(words):
        if word.startswith(f"{flag}="):
            return word[len(flag) + 1 :]
        if word == flag and at + 1 < len(words):
            return words[at + 1]
    return None


def suggestions(
    kind: str, prefix: str, only: str, content: Mapping[str, Any], words: Sequence[str], now: float
) -> list[Pair]:
    """The pairs of value and description that fit, without any that a shell would not take as it is."""
    before, end = "", ""
    if kind == "param":
        found, end = _parameters(_signature(content, words), words), "="
    elif kind == "id":
        found = _ids(content, only.split(",") if only else None, words, now)
    elif kind == "field":
        before, comma, prefix = prefix.rpartition(",")
        before += comma
        found = (pair for pair in _pairs(content, kind) if pair[0] not in before.split(","))
    else:
        found = _pairs(content, kind)
    fit = ((value, about) for value, about in found if value.startswith(prefix) and PLAIN.fullmatch(value))
    return [(before + value + end, _shown(about)) for value, about in islice(fit, MOST)]


def _pairs(content: Mapping[str, Any], kind: str) -> Iterator[Pair]:
    for row in _rows(content, kind):
        if len(row) == 2:
            yield str(row[0]), str(row[1])


def _rows(content: Mapping[str, Any], kind: str) -> list[Any]:
    rows = content.get(kind)
    return [row for row in rows if isinstance(row, list)] if isinstance(rows, list) else []


def _ids(
    content: Mapping[str, Any], statuses: Sequence[str] | None, words: Sequence[str], now: float
) -> Iterator[Pair]:
    """Those in one of the statuses that are not on the command line yet."""
    for row in _rows(content, "id"):
        if len(row) != 4 or not isinstance(row[3], int | float):
            continue
        task_id, status, task, at = row
        if (statuses is None or status in statuses) and task_id not in words:
            yield str(task_id), f"{status:9}  {task}  {_ago(now - at)}"


def _ago(seconds: float) -> str:
    whole = max(0, round(seconds))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit} ago"
    return f"{whole}s ago"


def _signature(content: Mapping[str, Any], words: Sequence[str]) -> str:
    """Of the first word that is the name of a task."""
    known = dict(_pairs(content, "task"))
    return next((known[word] for word in words if word in known), "")


def _parameters(signature: str, words: Sequence[str]) -> Iterator[Pair]:
    """Each parameter that can be given by its name and is not given yet, as it is written."""
    parts = [part.strip() for part in _split(signature[1:-1])]
    after = parts[parts.index("/") + 1 :] if "/" in parts else parts
    for part in after:
        name = part.partition("=")[0].partition(":")[0].strip()
        if name.isidentifier() and not any(word.startswith(f"{name}=") for word in words):
            yield name, part


def _split(text: str) -> Iterator[str]:
    """The parts between commas that lie in no brackets and no quotes."""
    depth, quote, part = 0, "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if letter == "," and not depth and not quote:
            yield part
            part = ""
        else:
            part += letter
    yield part


def _shown(about: str) -> str:
    cut = about[:LONGEST]
    return cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)
