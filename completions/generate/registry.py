"""The commands of taskctl as a tree: names, flags, arguments, each with what completes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from completions.generate.kinds import Values, of_argument, of_flag
from taskctl import tree
from taskctl.app import COMMANDS
from taskctl.flags import TABLE
from taskctl.verb import Verb


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One flag: its spellings, what it is about, what it takes, whether it may come twice."""

    names: tuple[str, ...]
    about: str
    values: Values | None
    repeats: bool = False


@dataclass(frozen=True, kw_only=True)
class Node:
    """A command, or a verb of one that is a noun. The root is taskctl itself, with the global flags."""

    path: tuple[str, ...] = ()
    about: str = ""
    flags: tuple[Flag, ...] = ()
    words: tuple[Values, ...] = ()
    rest: Values | None = None
    nodes: tuple[Node, ...] = ()
    is_shown: bool = True

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""

    def walk(self) -> Iterator[Node]:
        """This one and all below."""
        yield self
        for node in self.nodes:
            yield from node.walk()


HELP = Flag(names=("-h", "--help"), about="explain taskctl, or this command", values=None)


def root() -> Node:
    """All of taskctl."""
    nodes = tuple(
        _node(
            (entry.name,),
            entry.line.split("  ")[0],
            tree.verb_of(entry),
            home=entry.home.partition(":")[0],
            is_shown=entry.shown,
        )
        for entry in COMMANDS
    )
    return Node(flags=(*map(_global, TABLE), HELP), nodes=nodes)


def _global(flag: Any) -> Flag:
    values = of_flag("", flag.names[-1], flag.metavar) if flag.metavar else None
    return Flag(names=flag.names, about=flag.help, values=values, repeats=flag.names[0] == "-v")


def _node(path: tuple[str, ...], about: str, verb: Verb, *, home: str, is_shown: bool = True) -> Node:
    """`home` is the module of the command: an alias is completed like what it stands for."""
    command = tree.command(path[-1], verb)
    words: tuple[Values, ...] = ()
    rest: Values | None = None
    for param in command.params:
        if param.param_type_name == "argument" and not verb.verbs:  # a noun alone takes no arguments
            words, rest = of_argument(home, param.metavar or "")
    flags = [_flag(home, param) for param in command.params if param.param_type_name == "option"]
    return Node(
        path=path,
        about=about,
        flags=tuple(flags),
        words=words,
        rest=rest,
        nodes=tuple(
            _node((*path, name), _first_sentence(each), each, home=home) for name, each in verb.verbs.items()
        ),
        is_shown=is_shown,
    )


def _flag(home: str, param: Any) -> Flag:
    long = next((name for name in param.opts if name.startswith("--")), param.opts[0])
    values = None if param.is_flag else of_flag(home, long, param.metavar or "")
    names = tuple(sorted((*param.opts, *param.secondary_opts), key=len))
    return Flag(names=names, about=param.help or "", values=values, repeats=bool(param.multiple))


def _first_sentence(verb: Verb) -> str:
    return " ".join((verb.function.__doc__ or "").split()).partition(". ")[0].removesuffix(".")
