"""`taskctl doctor`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from taskctl import checkup, exits, options
from taskctl.checkup import FAIL, WARN, Finding
from taskctl.errors import bad_value, nearest
from taskctl.options import flag, value
from taskctl.report import chosen, look
from taskctl.session import Session, session_of
from taskctl.verb import verb

STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


@verb("taskctl doctor [FLAGS]", "taskctl doctor", "taskctl doctor --quick --json")
def doctor(
    context: typer.Context,
    only: Annotated[
        list[str] | None, value("--only", metavar="NAME", about=f"repeatable: {', '.join(checkup.NAMES)}")
    ] = None,
    quick: Annotated[bool, flag("--quick", about="settings, database and migrations only")] = False,
    fix: Annotated[
        bool, flag("--fix", about="offer to apply missing migrations, and to forget lost workers")
    ] = False,
    strict: Annotated[bool, flag("--strict", about="exit 1 on warnings too")] = False,
    yes: options.Yes = False,
) -> int:
    """Check the whole set-up: settings, database, migrations, clocks, Redis, workers, stale tasks.

    Exit code 1 if anything fails.
    """
    session = session_of(context)
    for name in only or ():
        if name not in checkup.NAMES:
            close = nearest(name, checkup.NAMES, 1)
            hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(checkup.NAMES)}"
            raise bad_value("--only", name, f"no such check. {hint}")
    names = only or (checkup.QUICK if quick else checkup.NAMES)
    found = checkup.run(session, names)
    if fix and _fix(found, session, yes=yes):
        found = checkup.run(session, names)
    _print(found, session)
    bad = {FAIL, WARN} if strict else {FAIL}
    return exits.NEGATIVE if any(finding.status in bad for finding in found) else exits.OK


def _fix(found: Sequence[Finding], session: Session, *, yes: bool) -> bool:
    """Whether anything has been put right."""
    standing = {finding.name: finding.status for finding in found}
    if standing.get("migrations") == FAIL:
        _migrate(session, yes=yes)
        return True
    if standing.get("workers") == WARN:
        return _forget(session, yes=yes)
    return False


def _forget(session: Session, *, yes: bool) -> bool:
    """Removes lost workers, silently: what follows shows it."""
    from django_task_worker import registry
    from taskctl.commands.workers import confirm_forgetting
    from taskctl.report import Action

    assert session.alias is not None
    lost = registry.forgettable(session.alias)
    if not lost:
        return False
    if not yes:
        confirm_forgetting(session, lost, "doctor --fix")
    with Action(session, "forget", matched=len(lost), selector="--lost") as action:
        action.changed = registry.forget([worker.pk for worker in lost], session.alias)
    return True


def _migrate(session: Session, *, yes: bool) -> None:
    from django.core.management import call_command

    if not yes:
        session.terminal.confirm(
            f"apply the missing migrations to '{session.alias}'? [y/N]",
            or_else="doctor --fix would migrate the database",
            dry_run=False,
        )
    call_command("migrate", "django_task_worker", database=session.alias, verbosity=0, interactive=False)


def _print(found: Sequence[Finding], session: Session) -> None:
    from textwrap import wrap

    from taskctl.render.table import paint

    terminal = session.terminal
    for finding in found:
        row = {
            "v": 1,
            "type": "check",
            "name": finding.name,
            "status": finding.status,
            "detail": finding.detail,
            "hint": finding.hint,
            "ms": finding.ms,
        }
        if terminal.is_json:
            terminal.record(chosen(row, terminal))
        elif terminal.form != "table":
            picked = chosen(row, terminal)
            terminal.row(picked[key] for key in terminal.fields or ("name", "status", "detail", "hint", "ms"))
        elif terminal.verbosity >= 0 or finding.status != "ok":
            style = look(terminal)
            first, *more = wrap(terminal.clean(finding.detail), max(style.width - 18, 40)) or [""]
            word = paint(f"{finding.status:4}", STYLES[finding.status], style)
            terminal.line(f"{word}  {finding.name:10}  {first}")
            for line in [*more, *([f"try: {terminal.clean(finding.hint)}"] if finding.hint else [])]:
                terminal.line(f"{'':18}{line}")
