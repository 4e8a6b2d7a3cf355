"""Whatever is typed, taskctl answers in its own words: never a bug, never a traceback."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from taskctl.app import COMMANDS, run
from taskctl.errors import CommandError
from taskctl.flags import NAMES
from taskctl.session import Session

COMMAND = st.sampled_from([entry.name for entry in COMMANDS if entry.name not in ("demo", "top", "monitor")])
FLAG = st.sampled_from(
    [
        *NAMES,
        "--status",
        "--queue",
        "--since",
        "--older-than",
        "--limit",
        "--wait",
        "--timeout",
        "--delay",
        "--args-json",
        "--stdin",
        "--failed",
        "--all",
        "--yes",
        "--dry-run",
        "-c",
        "-w",
        "-h",
        "--concurrency",
        "--only",
        "--for",
        "--",
        "-",
    ]
)
WORD = st.sampled_from(
    ["app.tasks.add", "json:{", "str:x", "a=1", "7d", "7", "-1", "failed", "x,y", "0", "@x", ""]
)
LINE = st.lists(FLAG | WORD | st.text(max_size=8), max_size=6)


class Reached(CommandError):
    """The command line was fine: the project would be looked for now."""

    def __init__(self) -> None:
        super().__init__("reached", 78, "reached")


def set_up(self: Session, *, create: bool = False) -> None:
    raise Reached


@settings(max_examples=400, deadline=None)
@given(COMMAND | WORD, LINE, LINE)
def test_every_command_line_gets_an_answer(command: str, before: list[str], after: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(Session, "set_up", set_up),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"line\n"))),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = run([*before, command, *after])
    assert code in (0, 1, 2, 4, 78), (code, err.getvalue())
    assert code in (0, 1) or err.getvalue()
    if not {"--debug", "--json"} & {*before, *after}:
        assert "Traceback" not in err.getvalue()
        assert all(line.isprintable() for line in err.getvalue().split("\n"))
