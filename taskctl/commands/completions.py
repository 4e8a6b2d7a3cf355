"""`taskctl completions`"""

from __future__ import annotations

import os
import shlex
from typing import Annotated

import typer

from taskctl import exits, options, shells
from taskctl.errors import CommandError, bad_value, home, nearest, usage
from taskctl.options import flag
from taskctl.report import count
from taskctl.session import Session, session_of
from taskctl.shells import SHELLS
from taskctl.verb import verb

NAMES = "|".join(SHELLS)
KINDS = (("task", "task function"), ("queue", "queue"), ("worker", "worker"), ("id", "id"))


@verb(
    f"taskctl completions {NAMES} [--install]  |  taskctl completions --refresh",
    "taskctl completions bash --install",
    'eval "$(taskctl completions bash)"',
)
def completions(
    context: typer.Context,
    shell: Annotated[str | None, typer.Argument(metavar=NAMES, show_default=False)] = None,
    install: Annotated[
        bool, flag("--install", about="put it where the shell looks for it; prints the path")
    ] = False,
    refresh: Annotated[
        bool, flag("--refresh", about="read anew which tasks, queues, workers and ids there are")
    ] = False,
    yes: options.Yes = False,
) -> int:
    """Print the completion of a shell, or install it for this user. No start-up file is changed.

    Tab then completes commands, flags and their values, and from a cache the tasks of this project, their
    parameters, queues, workers and recent ids. Commands that reach the database keep the cache fresh;
    TASKCTL_NO_CACHE=1 turns it off.
    """
    session = session_of(context)
    if refresh:
        if shell or install:
            raise usage("--refresh goes alone")
        return _refresh(session)
    if shell is None:
        raise usage("completions: name a shell", tries=[f"taskctl completions {name}" for name in SHELLS])
    if shell not in SHELLS:
        close = nearest(shell, list(SHELLS), 1)
        hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(SHELLS)}"
        raise bad_value("completions", shell, f"no such shell. {hint}")
    text = shells.script(shell)
    if install:
        return _install(session, shell, text, yes=yes)
    session.terminal.line(text.rstrip("\n"))
    return exits.OK


def _install(session: Session, shell: str, text: str, *, yes: bool) -> int:
    path = shells.place(shell, os.environ)
    try:
        if (
            path.exists()
            and shells.MARK not in path.read_text(encoding="utf-8", errors="replace")
            and not yes
        ):
            session.terminal.confirm(
                f"replace {home(path)}, which is not from taskctl? [y/N]",
                or_else=f"--install would replace {home(path)}, which is not from taskctl,",
                dry_run=False,
            )
        shells.put(path, text)
    except OSError as error:
        because = error.strerror or type(error).__name__
        raise CommandError(
            "cannot-write",
            exits.PERMISSION,
            f"can't write {home(path)}",
            facts=[f"because: {because}"],
            tries=[f"taskctl completions {shell} > FILE"],
        ) from error
    session.terminal.line(session.terminal.clean(path))
    more = SHELLS[shell].more.format(path=shlex.quote(str(path)), folder=shlex.quote(str(path.parent)))
    session.terminal.note(more)
    return exits.OK


def _refresh(session: Session) -> int:
    from taskctl.suggestions import cache, content

    alias = session.open()
    path = session.suggestions
    if path is None:
        session.terminal.note("there is no cache: TASKCTL_NO_CACHE turns it off")
        return exits.OK
    content.write(path, alias, force=True)
    kept = cache.load(path)
    told = ", ".join(count(len(kept[kind]), word) for kind, word in KINDS)
    session.terminal.note(f"{home(path)}: {told}")
    return exits.OK
