"""One run of a command: its global flags, its terminal, and the project behind it once that is needed."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taskctl.errors import configuration, nearest, redis_down, usage

if TYPE_CHECKING:
    import typer

    from taskctl.flags import Globals
    from taskctl.project import Found
    from taskctl.terminal import Terminal


SETTLE_S = 0.25
RECENTLY_S = 5.0


@dataclass
class Session:
    """Handed to every command as the `obj` of its context."""

    flags: Globals
    terminal: Terminal
    command: str = ""
    found: Found | None = None
    alias: str | None = None
    reached_at: float | None = None
    """When the database has answered, by the monotonic clock."""
    is_set_up: bool = False
    """Django was ready before we came (`manage.py taskctl`), or is now."""
    is_guest: bool = False
    """This process does other things too (`call_command`), so its logging is not ours."""
    suggestions: str | None = None
    """The file that the shell completes from in this project."""

    def set_up(self, *, create: bool = False) -> None:
        """Finds the project and sets Django up. Raises CommandError.

        `create` lets the embedded default come into being here.
        """
        if not self.is_set_up:
            self._find(create=create)
            self.is_set_up = True
        if not self.is_guest and self.command != "worker":
            from django_task_worker import logs

            logs.silence()

    def _find(self, *, create: bool) -> None:
        from taskctl import project
        from taskctl.suggestions import place

        start = Path(place.here(os.environ))
        given = {name: getattr(self.flags, name) for name in place.NAMES}
        self.suggestions = place.file_for(given, os.environ, str(start))
        self.found = project.find(self.flags, os.environ, start, command=self.command, create=create)
        self._tell(self.found, create=create)
        project.set_up(self.found, os.environ, command=self.command)

    def _tell(self, found: Found, *, create: bool) -> None:
        if found.settings is None:
            from taskctl import embedded
            from taskctl.errors import home

            level = 0 if create else 1
            self.terminal.note(f"using {home(embedded.store(found.folder))}", level=level)
        else:
            self.terminal.detail(f"settings {found.settings}, told by {found.told_by}")

    def open(self, *, create: bool = False) -> str:
        """The alias of the database, which has been reached. Raises CommandError."""
        self.set_up(create=create)
        from taskctl import database

        self.alias = self._alias()
        database.reach(self.alias)
        self.reached_at = time.monotonic()
        return self.alias

    def remember(self) -> None:
        """Once all is said, brings what the shell completes from up to date.

        A worker does not, nor does who has looked on for so long that the database may have gone meanwhile:
        nobody shall wait at the end for an answer that he has not asked for.
        """
        is_long_ago = self.reached_at is not None and time.monotonic() - self.reached_at > RECENTLY_S
        if self.suggestions is None or self.command == "worker" or is_long_ago:
            return
        from taskctl.suggestions import content

        with suppress(Exception):  # a full disk or a database that has gone must not fail the command
            content.write(self.suggestions, self.alias)

    def settle(self) -> None:
        """Sends what was announced, and says so when Redis cannot take it. The task itself is stored."""
        from django_task_worker import events

        events.flush(SETTLE_S)
        reason = events.redis_problem(SETTLE_S)
        if reason is not None:
            from taskctl.database import redis_in_short

            self.terminal.problem(redis_down(redis_in_short(reason)))

    def _alias(self) -> str:
        from django.core.exceptions import ImproperlyConfigured
        from django.db import connections, router

        from django_task_worker.models import DatabaseTask

        known = list(connections)
        if self.flags.database and self.flags.database not in known:
            close = nearest(self.flags.database, known, 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise usage(f"--database {self.flags.database}: not in DATABASES.{hint}")
        alias = self.flags.database or router.db_for_write(DatabaseTask)
        try:
            connections[alias]
        except ImproperlyConfigured as error:
            raise configuration(str(error).split("\n")[0]) from error
        return alias


def session_of(context: typer.Context) -> Session:
    session = context.obj
    assert isinstance(session, Session)
    return session
