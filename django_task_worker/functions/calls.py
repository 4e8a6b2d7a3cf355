"""Whether arguments fit a function, and how to say it when they do not."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, Signature
from math import inf
from reprlib import Repr
from typing import TYPE_CHECKING, Any

from django_task_worker.exceptions import SignatureMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_MAX_CALL = 200
_MAX_SHOWN = 20


class _Written:
    """Shown as it stands: an annotation from the source, a default value cut short."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def check_call(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], name: str
) -> None:
    """Refuse arguments that the function's signature does not take. Raises SignatureMismatch."""
    shape = _shape_of(function)
    if shape is None or (not kwargs and shape.least <= len(args) <= shape.most):
        return
    problem = _problem(shape, args, kwargs)
    if problem:
        raise SignatureMismatch(
            f"{name}() {problem}",
            signature=_short_name(name) + describe(shape.signature),
            call=_short_name(name) + describe_call(args, kwargs),
        )


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """A signature, prepared for quick answers: binding with `inspect` takes ten times as long."""

    signature: Signature
    positional: tuple[str, ...]
    by_keyword: frozenset[str]
    required: tuple[str, ...]
    takes_more_args: bool
    takes_more_kwargs: bool
    least: float
    """How many arguments do without any keyword; more than `most` where one is always needed."""
    most: float


@lru_cache(maxsize=1024)
def _shape_of(function: Callable[..., Any]) -> _Shape | None:
    signature = signature_of(function)
    if signature is None:
        return None
    parameters = signature.parameters.values()
    kinds = {p.kind for p in parameters}
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    takes_more_args = Parameter.VAR_POSITIONAL in kinds
    needs_keyword = any(p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty for p in parameters)
    return _Shape(
        signature=signature,
        positional=tuple(p.name for p in positional),
        by_keyword=frozenset(p.name for p in parameters if p.kind in _BY_KEYWORD),
        required=tuple(
            p.name
            for p in parameters
            if p.default is Parameter.empty and p.kind in (*_POSITIONAL, Parameter.KEYWORD_ONLY)
        ),
        takes_more_args=takes_more_args,
        takes_more_kwargs=Parameter.VAR_KEYWORD in kinds,
        least=inf if needs_keyword else sum(p.default is Parameter.empty for p in positional),
        most=inf if takes_more_args else len(positional),
    )


@lru_cache(maxsize=1024)
def signature_of(function: Callable[..., Any]) -> Signature | None:
    """The signature, of what a decorator wraps too; None where Python cannot tell."""
    try:
        if sys.version_info >= (3, 14):
            from annotationlib import Format

            return inspect.signature(function, annotation_format=Format.STRING)
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def describe(signature: Signature) -> str:
    """The parameters as they are written: `(a: int, b: int, *, scale: float = 1.0)`."""
    parameters = [_readable(parameter) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=Signature.empty))


def _readable(parameter: Parameter) -> Parameter:
    if isinstance(parameter.annotation, str):
        parameter = parameter.replace(annotation=_Written(parameter.annotation))
    if parameter.default is not Parameter.empty:
        parameter = parameter.replace(default=_Written(_brief(parameter.default)))
    return parameter


def describe_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The arguments as Python would write them, short: `(1, scale=2.0)`."""
    shown = [_brief(value) for value in args[:_MAX_SHOWN]]
    shown += [f"{key}={_brief(kwargs[key])}" for key in list(kwargs)[:_MAX_SHOWN]]
    text = ", ".join(shown)
    is_cut = len(text) > _MAX_CALL or len(args) > _MAX_SHOWN or len(kwargs) > _MAX_SHOWN
    return f"({text[:_MAX_CALL]}{'…' if is_cut else ''})"


def _brief(value: Any) -> str:
    brief = Repr()
    brief.maxstring = brief.maxother = brief.maxlong = 40
    return brief.repr(value)


def _short_name(name: str) -> str:
    return name.rpartition(".")[2]


def _problem(shape: _Shape, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """What Python would say to this call, in our words; nothing when it would take it."""
    said = []
    given = shape.positional[: len(args)]
    if len(args) > len(given) and not shape.takes_more_args:
        said.append(_too_many(len(given), len(args)))
    twice = [name for name in given if name in kwargs and name in shape.by_keyword]
    if twice:
        said.append(f"gets {_names(twice)} twice")
    missing = [
        name
        for name in shape.required
        if name not in given and not (name in kwargs and name in shape.by_keyword)
    ]
    if missing:
        said.append(f"misses {_names(missing)}")
    unexpected = [name for name in kwargs if name not in shape.by_keyword]
    if unexpected and not shape.takes_more_kwargs:
        said.append(f"has no {_names(unexpected, article='')}")
    return " and ".join(said)


def _too_many(count: int, given: int) -> str:
    if count == 0:
        return f"takes no arguments by position, and {given} were given"
    return f"takes {count} argument{'s' if count > 1 else ''} by position, and {given} were given"


def _names(names: Sequence[str], article: str = "the ") -> str:
    shown = [repr(str(name)[:100]) for name in names[:5]]
    if len(names) > 5:
        shown.append(f"{len(names) - 5} more")
    plural = "s" if len(names) > 1 else ""
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{article}argument{plural} {listed}"


def forget() -> None:
    """Read signatures afresh."""
    signature_of.cache_clear()
    _shape_of.cache_clear()
