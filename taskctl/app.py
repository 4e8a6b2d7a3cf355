"""The table of commands, their dispatch, and the one place where an error becomes an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from taskctl import exits
from taskctl.errors import CommandError, no_such_option, unexpected, unwritten, usage
from taskctl.flags import NAMES, Globals, split
from taskctl.session import Session
from taskctl.terminal import open_terminal, plain


@dataclass(frozen=True)
class Entry:
    """A command before it is loaded: `home` is module:attribute under taskctl.commands."""

    name: str
    line: str
    panel: str
    home: str
    shown: bool = True


COMMANDS = (
    Entry("worker", "run tasks from the database", "Run", "worker:worker"),
    Entry("enqueue", "add one task, or many from stdin", "Run", "enqueue:enqueue"),
    Entry("wait", "wait until tasks finish", "Run", "wait:wait"),
    Entry("cancel", "cancel pending tasks, ask running ones to stop", "Run", "cancel:cancel"),
    Entry("top", "live screen                             (alias: monitor)", "Look", "top:top"),
    Entry("monitor", "live screen", "Look", "top:top", shown=False),
    Entry("list", "list tasks                              (alias: ls)", "Look", "list:list_tasks"),
    Entry("ls", "list tasks", "Look", "list:list_tasks", shown=False),
    Entry("show", "everything about one task", "Look", "show:show"),
    Entry("events", "follow what happens, one line each", "Look", "events:events"),
    Entry("stats", "counts, rates and latencies", "Look", "stats:stats"),
    Entry("workers", "list workers; drain; forget lost ones", "Look", "workers:workers"),
    Entry("queues", "list queues; pause; resume", "Look", "queues:queues"),
    Entry("tasks", "list the task functions this project offers", "Look", "tasks:tasks"),
    Entry("why", "why a task is not running, or why it failed, and what to do", "Look", "why:why"),
    Entry("stack", "live Python stack of a running task", "Look", "stack:stack"),
    Entry("logs", "what a task logged and printed; -f follows", "Look", "logs:logs"),
    Entry("retry", "run failed tasks again", "Repair", "retry:retry"),
    Entry("retry-failed", "the same as retry --failed", "Repair", "retry:retry_failed", shown=False),
    Entry("requeue", "put back tasks whose worker died        (--stale)", "Repair", "requeue:requeue"),
    Entry("requeue-stale", "the same as requeue --stale", "Repair", "requeue:requeue_stale", shown=False),
    Entry("purge", "delete finished tasks", "Repair", "purge:purge"),
    Entry("doctor", "check settings, migrations, database, Redis, workers", "Set up", "doctor:doctor"),
    Entry("demo", "try it in one minute, nothing to install", "Set up", "demo:demo"),
    Entry("completions", "print or install shell completion", "Set up", "completions:completions"),
    Entry("help", "help, also: help exit-codes | json | durations | env", "Set up", "help:help_"),
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
BY_NAME = {entry.name: entry for entry in COMMANDS}


def run(argv: Sequence[str], *, is_set_up: bool = False, is_guest: bool = False) -> int:
    """Runs one command line and returns its exit code.

    `is_set_up`: Django is ready already; `is_guest`: the process is not ours alone.
    """
    terminal, flags = plain(argv, os.environ), Globals(debug="--debug" in argv)
    session = Session(flags, terminal)
    try:
        flags, words = split(argv, os.environ)
        terminal = open_terminal(flags, os.environ)
        session = Session(flags, terminal, is_set_up=is_set_up, is_guest=is_guest)
        code = _dispatch(session, words)
        terminal.flush()
        session.remember()
        return code
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return exits.BROKEN_PIPE
    except Exception as error:
        return _report(error, session)


def _dispatch(session: Session, words: list[str]) -> int:
    if session.flags.version:
        from taskctl.__main__ import version

        session.terminal.line(version(verbose=session.flags.verbosity > 0))
        return exits.OK
    from taskctl import tree

    return tree.invoke(session, words)


def _discard_output() -> None:
    """So that no later flush complains again about the closed pipe or the full disk."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception, session: Session) -> int:
    exit_code = getattr(error, "exit_code", None)
    if isinstance(exit_code, int) and not hasattr(error, "format_message"):
        return exit_code  # typer.Exit, from --help
    problem = explain(error, session)
    if session.flags.debug:
        import traceback

        for line in "".join(traceback.format_exception(error)).splitlines():
            sys.stderr.write(session.terminal.clean(line) + "\n")
    try:
        session.terminal.problem(problem)
    except BrokenPipeError:
        _discard_output()
    return problem.exit


def explain(error: Exception, session: Session) -> CommandError:
    """The error in the user's terms. Whatever nobody expected is a bug."""
    if isinstance(error, CommandError):
        return error
    if hasattr(error, "format_message"):
        return _usage(error, session)
    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        _discard_output()
        return unwritten(error.strerror or "the disk is full")
    if "django" in sys.modules:
        from taskctl import translation

        with suppress(Exception):  # asking the database about its error may fail as well
            known = translation.translate(error, session)
            if known is not None:
                return known
    return unexpected(error)


def _usage(error: Any, session: Session) -> CommandError:
    """Typer's own complaint about a flag or a value, in our words."""
    option = getattr(error, "option_name", "")
    if option and str(error.message).startswith("No such option"):
        return no_such_option(option, [*_options_of(error), *NAMES])
    message = error.format_message()
    message = message[:1].lower() + message[1:].removesuffix(".")
    command = f"taskctl {session.command}".rstrip()
    return usage(message, tries=[f"{command} --help"])


def _options_of(error: Any) -> list[str]:
    command = getattr(getattr(error, "ctx", None), "command", None)
    return [name for param in getattr(command, "params", ()) for name in (*param.opts, *param.secondary_opts)]
