"""What a command module offers: its function, which is typed for Typer, and the head of its help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Verb:
    """One command. `function` takes the Typer context and returns the exit code, None for 0."""

    function: Callable[..., int | None]
    usage: str
    examples: tuple[str, ...]
    takes_words: bool = False
    """Unknown words, numbers such as -1 and what follows -- reach the function as they are."""
    verbs: Mapping[str, Verb] = field(default_factory=dict)
    """Of a noun: what can be done with it. The noun alone does the first of them."""


def verb(
    usage: str, *examples: str, takes_words: bool = False
) -> Callable[[Callable[..., int | None]], Verb]:
    """Makes a function a command; its docstring is the description in the help."""

    def wrap(function: Callable[..., int | None]) -> Verb:
        return Verb(function, usage, examples, takes_words)

    return wrap


def noun(usage: str, *examples: str, **verbs: Verb) -> Verb:
    """A command that holds sub-verbs: `taskctl queues pause mail`; alone it does the first of them."""
    first = next(iter(verbs.values()))
    return replace(first, usage=usage, examples=examples, verbs=verbs)
