"""What the values of flags and arguments are completed with.

The name that a value has in the help decides: Q is a queue in every command. What the help does not tell is
in the tables below; a command that is in none of them is completed all the same, only with fewer values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from taskctl import checkup, flags, selectors
from taskctl.app import COMMANDS
from taskctl.commands import events, stats, top, wait, worker
from taskctl.commands import list as listing
from taskctl.commands.help import TOPICS

ANY = "any"
"""Nothing can be suggested."""
OPEN = "pending,scheduled,retrying,running"


@dataclass(frozen=True, kw_only=True)
class Values:
    """What can stand in a place."""

    kind: str = ANY
    """One of `taskctl __complete`, or words, file, folder, any."""
    words: tuple[tuple[str, str], ...] = ()
    """Value and description, for kind words."""
    is_list: bool = False
    """Several of the words, with commas between."""
    only: str = ""
    """Which ids, by status."""

    @property
    def asked(self) -> str:
        """As `taskctl __complete` takes it."""
        return f"{self.kind}:{self.only}" if self.only else self.kind


def of_words(*names: str, is_list: bool = False) -> Values:
    return Values(kind="words", words=tuple((name, "") for name in names), is_list=is_list)


BY_METAVAR = {
    "Q": Values(kind="queue"),
    "W": Values(kind="worker"),
    "GLOB": Values(kind="task"),
    "ID": Values(kind="id"),
    "DIR": Values(kind="folder"),
    "PATH": Values(kind="file"),
    "FILE": Values(kind="file"),
    "a,b,c": Values(kind="field"),
    "S[,S]": of_words(*selectors.STATUSES, is_list=True),
}
IDS = {
    "retry": "failed",
    "cancel": OPEN,
    "wait": f"{OPEN},cancelling,stale",
    "stack": "running,cancelling",
    "requeue": "stale",
}
"""Which ids a command can do something with; the others take all."""
NOUNS = {"queues": "queue", "workers": "worker", "schedules": "schedule"}
"""What NAME is below a command that holds verbs."""
FLAGS = {
    ("", "--output"): of_words(*flags.FORMS),
    ("", "--color"): of_words(*flags.COLOURS),
    ("doctor", "--only"): of_words(*checkup.NAMES),
    ("events", "--type"): of_words(*events.TYPES, is_list=True),
    ("list", "--sort"): of_words(*listing.SORTS),
    ("purge", "--status"): of_words("completed", "failed", "cancelled", is_list=True),
    ("requeue", "--max-tries"): of_words("fail", "requeue"),
    ("stats", "--by"): of_words(*stats.GROUPS),
    ("top", "--layout"): of_words(*top.LAYOUTS),
    ("wait", "--for"): of_words(*wait.TARGETS),
    ("worker", "--log-format"): of_words(*worker.FORMATS),
    ("worker", "--log-level"): of_words(*worker.LEVELS),
}
"""Values that the help of a flag tells only in a sentence."""
_CHOICE = re.compile(r"[\w-]+(\|[\w-]+)+")


def of_flag(home: str, flag: str, metavar: str) -> Values:
    """What a flag of a command takes; `home` is the command's module, "" for the global flags."""
    known = FLAGS.get((home, flag))
    return known if known is not None else _by_metavar(home, metavar)


def of_argument(home: str, metavar: str) -> tuple[tuple[Values, ...], Values | None]:
    """What the arguments of a command are, one after the other, and what all the rest are."""
    if metavar == "COMMAND | TOPIC":
        shown = [(entry.name, entry.line.split("  ")[0]) for entry in COMMANDS if entry.shown]
        topics = [(topic, "topic") for topic in TOPICS]
        return (Values(kind="words", words=(*shown, *topics)),), None
    if metavar == "NAME [ARG…]":
        return (Values(kind="task"),), Values(kind="param")
    values = _by_metavar(home, metavar.removesuffix("…"))
    return ((), values) if metavar.endswith("…") else ((values,), None)


def _by_metavar(home: str, metavar: str) -> Values:
    if metavar == "ID":
        return Values(kind="id", only=IDS.get(home, ""))
    if metavar == "NAME" and home in NOUNS:
        return Values(kind=NOUNS[home])
    if _CHOICE.fullmatch(metavar):
        return of_words(*metavar.split("|"))
    return BY_METAVAR.get(metavar, Values())
