"""How `enqueue` reads the words after the task's name: JSON where it parses, else text. Pure.

str:TEXT      text as it stands        json:VALUE    must be JSON
key=WORD      keyword argument         WORD          JSON if it parses, else text
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from taskctl.errors import CommandError, bad_json, no_such_option, usage

_NUMBER = re.compile(r"-(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|-Infinity")
_PLAIN_WORDS = (
    ("Expecting property name enclosed in double quotes", "expected a double quote"),
    ("Illegal trailing comma", "a comma too many"),
    ("Expecting value", "expected a value"),
    ("Expecting ',' delimiter", "expected a comma or the end"),
    ("Expecting ':' delimiter", "expected a colon"),
    ("Unterminated string", "the text that begins here does not end"),
    ("Invalid control character", "this character must be escaped"),
    ("Invalid \\escape", "no such escape; a backslash is written \\\\"),
    ("Extra data", "nothing may follow here"),
)


@dataclass
class Call:
    """The arguments of a task. `numbers` remembers which words were read as numbers, by position or key."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    numbers: dict[int | str, str] = field(default_factory=dict)


class _NotJSON(ValueError):
    """This text is no JSON in our sense: NaN, Infinity and numbers too large are text."""


def read(words: Sequence[str], after: Sequence[str] = (), *, flags: Sequence[str] = ()) -> Call:
    """The call. `words` may hold no flags but numbers; in `after`, what followed `--`, nothing is a flag.

    Raises CommandError.
    """
    for word in words:
        if word.startswith("-") and word != "-" and not _NUMBER.fullmatch(word):
            raise no_such_option(word.split("=")[0], flags, to_task=True)
    call = Call()
    for position, word in enumerate([*words, *after], start=1):
        key, equals, rest = word.partition("=")
        if equals and key.isidentifier() and not word.startswith(("str:", "json:")):
            if key in call.kwargs:
                raise usage(f"argument '{key}' is given twice")
            call.kwargs[key] = value(rest, f"argument '{key}'")
            _remember(call, key, rest)
        else:
            call.args.append(value(word, f"argument {position}"))
            _remember(call, len(call.args) - 1, word)
    return call


def _remember(call: Call, place: int | str, word: str) -> None:
    found = call.args[place] if isinstance(place, int) else call.kwargs[place]
    if isinstance(found, int | float) and not isinstance(found, bool) and not word.startswith("json:"):
        call.numbers[place] = word


def value(word: str, what: str) -> Any:
    """One word as a value. Raises CommandError for bad JSON after json:."""
    if word.startswith("str:"):
        return word[4:]
    if word.startswith("json:"):
        return strict(word[5:], f"{what} is not valid JSON (you wrote json:, so it must be)", prefix="json:")
    try:
        return _loads(word)
    except (ValueError, RecursionError):
        return word


def strict(text: str, message: str, *, prefix: str = "") -> Any:
    """The text as JSON. Raises CommandError that shows where it stops being JSON."""
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        raise _explain(text, message, prefix, error) from None
    except _NotJSON as error:
        raise bad_json(message, facts=[f"{prefix}{text[:200]}", f"{error}"]) from None
    except (RecursionError, ValueError):
        raise bad_json(message, facts=["nested too deep, or a number with too many digits"]) from None


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def _refuse(name: str) -> NoReturn:
    raise _NotJSON(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NotJSON(f"{text[:40]} is too large for a number")
    return number


def _explain(text: str, message: str, prefix: str, error: json.JSONDecodeError) -> CommandError:
    line = text.split("\n")[error.lineno - 1] if error.lineno > 1 else text.split("\n")[0]
    start = max(0, error.colno - 1 - 50)
    reason = next((ours for theirs, ours in _PLAIN_WORDS if error.msg.startswith(theirs)), error.msg)
    shown = prefix if error.lineno == 1 and not start else ""
    pointer = " " * (len(shown) + error.colno - 1 - start) + f"^ {reason}"
    return bad_json(message, facts=[shown + line[start : start + 100], pointer], tries=_repair(text, prefix))


def _repair(text: str, prefix: str) -> list[str]:
    """The commonest mistake is Python's quotes; say how it is written when that makes it JSON."""
    mended = text.replace("'", '"')
    try:
        _loads(mended)
    except (ValueError, RecursionError):
        return []
    return [f"'{prefix}{mended}'      single quotes outside, double quotes inside"] if mended != text else []


def written(name: str, args: Iterable[Any], kwargs: dict[str, Any], limit: int = 200) -> str:
    """The call as Python would write it: `app.tasks.add(1, 2, scale=1.5)`."""
    parts = [repr(item) for item in args] + [f"{key}={item!r}" for key, item in kwargs.items()]
    text = f"{name}({', '.join(parts)})"
    return text if len(text) <= limit else text[: limit - 2] + "…)"
