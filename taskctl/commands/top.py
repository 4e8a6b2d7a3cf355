"""`taskctl top`"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskctl import exits, values
from taskctl.errors import CommandError, bad_value, usage
from taskctl.flags import is_on
from taskctl.options import flag, value
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from taskctl.dashboard.lines import Look
    from taskctl.dashboard.view import View

LAYOUTS = ("auto", "compact", "full")
LEAST_INTERVAL_S, MOST_INTERVAL_S = 0.1, 3600.0
MOST_FPS = 60.0
MOST_SPEED = 10_000.0
PIPED_WIDTH = 160
RECORDING = "Recordings"
CAN_WATCH = os.name == "posix"
"""Windows has neither the terminal nor the pipes that a live screen waits on."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the flags say."""

    interval_s: float
    fps: float
    once: bool
    queue: str | None
    filter: str
    read_only: bool
    alternate: bool
    layout: str
    record: Path | None
    replay: Path | None
    speed: float


@verb("taskctl top [FLAGS]", "taskctl top", "taskctl top --queue mail --interval 5s")
def top(
    context: typer.Context,
    interval: Annotated[
        str, value("--interval", metavar="DUR", about="between looks at the database; 2s")
    ] = "2s",
    fps: Annotated[str, value("--fps", metavar="N", about="frames a second at most; 4")] = "4",
    once: Annotated[bool, flag("--once", about="one look as plain text (or JSON), then exit")] = False,
    queue: Annotated[str | None, value("--queue", metavar="Q", about="only this queue")] = None,
    filter_: Annotated[
        str, value("--filter", metavar="TEXT", about="only what contains this: task, queue, worker, error")
    ] = "",
    read_only: Annotated[
        bool, flag("--read-only", about="no keys that change anything [TASKCTL_READ_ONLY=1]")
    ] = False,
    no_alt_screen: Annotated[
        bool, flag("--no-alt-screen", about="draw on the ordinary screen; the last frame stays")
    ] = False,
    layout: Annotated[
        str, value("--layout", metavar="L", about="auto, compact (one column) or full (two)")
    ] = "auto",
    record: Annotated[
        str | None,
        value("--record", metavar="FILE", about="keep all that is told; .gz compresses", panel=RECORDING),
    ] = None,
    replay: Annotated[
        str | None, value("--replay", metavar="FILE", about="show a recording", panel=RECORDING)
    ] = None,
    speed: Annotated[
        str, value("--speed", metavar="N", about="of a replay: 10 is ten times as fast; 1", panel=RECORDING)
    ] = "1",
) -> int:
    """Live screen: throughput, queues, workers, running tasks, failures. Press ? in it for its keys.

    Follows events from Redis and looks at the database in between; without Redis the database alone does.
    With --json: objects, one per line, again after each interval. With --record and no terminal: records
    until it is stopped.
    """
    session = session_of(context)
    wanted = Wanted(
        interval_s=_number_of_seconds(interval),
        fps=_number("--fps", fps, 0.1, MOST_FPS),
        once=once,
        queue=queue,
        filter=filter_,
        read_only=read_only or is_on(os.environ.get("TASKCTL_READ_ONLY")),
        alternate=not no_alt_screen,
        layout=_layout(layout),
        record=None if record is None else Path(record),
        replay=None if replay is None else Path(replay),
        speed=_number("--speed", speed, 0.01, MOST_SPEED),
    )
    if wanted.replay is not None:
        if wanted.record is not None or wanted.once:
            raise usage("--replay goes with neither --record nor --once")
        return _replay(session, wanted)
    if wanted.once and wanted.record is not None:
        raise usage("--record needs more than one look: leave out --once")
    return _live(session, wanted)


def _layout(text: str) -> str:
    if text not in LAYOUTS:
        raise bad_value("--layout", text, f"choose one of {', '.join(LAYOUTS)}")
    return text


def _number_of_seconds(text: str) -> float:
    seconds = values.duration("--interval", text)
    if not LEAST_INTERVAL_S <= seconds <= MOST_INTERVAL_S:
        raise bad_value("--interval", text, "must be from 100ms to 1h")
    return seconds


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not least <= number <= most:
        raise bad_value(name, text, f"must be a number from {least:g} to {most:g}")
    return number


def has_screen(session: Session) -> bool:
    """Whether stdout is a terminal that can show a screen."""
    terminal = session.terminal
    if not CAN_WATCH:
        return False
    return terminal.out_is_tty and not terminal.is_json and os.environ.get("TERM") not in (None, "", "dumb")


def _look(session: Session) -> Look:
    from taskctl.dashboard.lines import Look

    return Look(colour=session.terminal.out_colour, ascii_only=session.terminal.ascii_only)


def _view(session: Session, wanted: Wanted) -> View:
    from taskctl.dashboard.view import RUNNING, View

    return View(
        focus=RUNNING if has_screen(session) and not wanted.once else "",
        filter=wanted.filter,
        queue=wanted.queue,
        layout=wanted.layout,
        interval_s=wanted.interval_s,
        read_only=wanted.read_only,
        utc=session.terminal.utc,
    )


def _project(session: Session) -> str:
    """`shop (config.settings.prod)`."""
    found = session.found
    if found is None:
        module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
        return f"{Path.cwd().name} ({module})" if module else Path.cwd().name
    return f"{found.folder.name} ({found.settings})" if found.settings else found.folder.name


def _live(session: Session, wanted: Wanted) -> int:
    alias = session.open()
    from taskctl import database, selectors

    database.require_migrations(alias)
    selectors.require_queue(wanted.queue, alias)
    database.connection(alias).close()
    is_seen = has_screen(session)
    if wanted.once or not CAN_WATCH or not (is_seen or session.terminal.is_json or wanted.record):
        if not wanted.once:
            what = "stdout is no terminal for a" if CAN_WATCH else "on Windows there is no"
            session.terminal.note(f"{what} live screen: one look, as with --once")
        return _once(session, wanted, alias)
    session.suggestions = None  # who leaves the screen shall not wait for a database that may hang
    return _run(session, wanted, alias, is_seen=is_seen)


def _once(session: Session, wanted: Wanted, alias: str) -> int:
    import time

    from django_task_worker.snapshot.read import Look as Seen
    from django_task_worker.snapshot.read import read
    from taskctl.dashboard import actions, history
    from taskctl.dashboard.messages import DATABASE, OK, Health
    from taskctl.dashboard.panels.running import SHOWS_ARGUMENTS
    from taskctl.dashboard.state import State
    from taskctl.dashboard.tables import Tables
    from taskctl.dashboard.view import RUNNING, Job

    now = time.time()
    state = State(_project(session), now)
    state.apply(read(Seen(), alias), now)
    state.apply(history.read(now, alias), now)
    state.apply(Health(DATABASE, OK), now)
    tables = Tables(state, _view(session, wanted), now)
    if not session.terminal.is_json and _width(session) >= SHOWS_ARGUMENTS:
        job = Job(verb="arguments", ids=tuple(tables.keys(RUNNING)))
        tables.view.arguments.update(actions.perform(job, alias).arguments or {})
    show(session, tables)
    return exits.OK


def _width(session: Session) -> int:
    terminal = session.terminal
    return terminal.width if terminal.out_is_tty or "COLUMNS" in os.environ else PIPED_WIDTH


def show(session: Session, tables: object) -> None:
    """One look on stdout: objects with --json, else text."""
    from taskctl.dashboard import plain
    from taskctl.dashboard.tables import Tables

    assert isinstance(tables, Tables)
    terminal = session.terminal
    if terminal.is_json:
        for row in plain.objects(tables):
            terminal.record(row)
    else:
        for line in plain.lines(tables, _look(session), _width(session)):
            terminal.line(line)
    terminal.flush()


def _run(session: Session, wanted: Wanted, alias: str, *, is_seen: bool) -> int:
    import time

    from taskctl.dashboard.sources import Live
    from taskctl.dashboard.state import State

    project = _project(session)
    now = time.time()
    recorder = None
    if wanted.record is not None:
        from taskctl.dashboard.recording import Recorder

        try:
            recorder = Recorder(wanted.record, project, now)
        except OSError as error:
            raise usage(f"--record {wanted.record}: {error.strerror or error}") from None
    source = Live(alias, wanted.interval_s, recorder=recorder, utc=session.terminal.utc)
    state = State(project, now)
    view = _view(session, wanted)
    if not is_seen:
        from taskctl.dashboard.headless import Headless

        return Headless(source, state, view, lambda tables: show(session, tables)).run(
            prints=session.terminal.is_json
        )
    from taskctl.dashboard.loop import Loop
    from taskctl.dashboard.tty import Screen

    terminal = Screen(alternate=wanted.alternate)
    code = Loop(source, state, view, _look(session), terminal, wanted.fps).run()
    _farewell(session, code)
    return code


def _farewell(session: Session, code: int) -> None:
    if code == exits.TERMINATED:
        session.terminal.note("top: ended by SIGTERM")


def _replay(session: Session, wanted: Wanted) -> int:
    from taskctl.dashboard.recording import NotARecording, Recording

    assert wanted.replay is not None
    try:
        recording = Recording(wanted.replay)
    except OSError as error:
        raise usage(f"--replay {wanted.replay}: {error.strerror or error}") from None
    except NotARecording:
        raise usage(f"--replay {wanted.replay}: this was not made by taskctl top --record") from None
    if not has_screen(session):
        raise CommandError("no-terminal", exits.USAGE, "--replay needs a terminal to show the recording on")
    from taskctl.dashboard.loop import Loop
    from taskctl.dashboard.sources import Replay
    from taskctl.dashboard.state import State
    from taskctl.dashboard.tty import Screen

    view = _view(session, wanted)
    view.speed = wanted.speed
    source = Replay(recording, wanted.speed)
    state = State(recording.project, recording.started_at)
    loop = Loop(source, state, view, _look(session), Screen(alternate=wanted.alternate), wanted.fps)
    code = loop.run()
    _farewell(session, code)
    return code
