"""What frames the panels: the header, the counts, notices about what is wrong, the footer."""

from __future__ import annotations

from collections.abc import Iterator

from taskctl.dashboard import figures
from taskctl.dashboard.lines import Line, Look
from taskctl.dashboard.messages import DOWN, OFF, OK, Health
from taskctl.dashboard.state import GAP_SHARE
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.text import width_of
from taskctl.dashboard.view import FAILURES, QUEUES, RUNNING, WORKERS

WIDE, NARROW = 120, 76
SLOW_S = 0.25
MODES = {
    "LIVE": "bold green",
    "POLLING": "bold yellow",
    "DB DOWN": "bold red",
    "PAUSED": "bold blue",
    "REPLAY": "bold blue",
}


def header(tables: Tables, look: Look, width: int) -> str:
    state, view = tables.state, tables.view
    gap = "   " if width >= WIDE else "  "
    right = gap.join(part for part in _right(tables, width) if part)
    line = Line(width, look).draw(" taskctl top  ", "bold")
    room = max(0, width - line.used - len(right) - 14)
    name = state.project if width >= WIDE else state.project.partition(" ")[0]
    line.put(name, most=min(room, 60 if width >= WIDE else 20)).draw("  ")
    mode, beside = _modes(tables)
    line.draw(mode, MODES[mode])
    if beside:
        line.draw(f" ({beside})", MODES.get(beside, ""))
    words = [view.filter and f"filter: {view.filter}", view.queue and f"queue: {view.queue}"]
    for word in filter(None, words):
        room = width - len(right) - line.used - 4
        if room > 8:
            line.draw("  ").put(word, "yellow", most=min(room, 40))
    line.to(width - 1 - width_of(right))
    return line.put(right, _health_style(tables)).done()


def _modes(tables: Tables) -> tuple[str, str]:
    """The mode, and what it hides: how the screen that stands still or was recorded came by its figures."""
    view, mode = tables.view, tables.state.mode
    if view.is_over:
        return "REPLAY", "end"
    if view.paused and view.speed is not None:
        return "PAUSED", "REPLAY"
    if view.paused or view.speed is not None:
        return "PAUSED" if view.paused else "REPLAY", "" if mode == "LIVE" else mode
    return mode, ""


def _right(tables: Tables, width: int) -> list[str]:
    state, view, now = tables.state, tables.view, tables.now
    wide = width >= WIDE
    if view.speed is not None:
        since = figures.stopwatch(now - state.started_at)
        at = figures.clock(now, utc=view.utc)
        return [
            f"{view.speed:g}x",
            since,
            f"{figures.date(now, utc=view.utc)} {at}" if width >= NARROW else at,
        ]
    links = [("db", state.database), ("redis", state.redis)]
    if width < NARROW:
        links = [(name, health) for name, health in links if health.state == DOWN]
    parts = [_health(name, health, now) for name, health in links if health.state != OFF or wide]
    interval = f"{view.interval_s:g}s"
    if width >= NARROW:
        parts.append(f"every {interval}" if wide else interval)
    if width >= 140:
        parts.append(f"up {figures.stopwatch(now - state.started_at)}")
    return [*parts, figures.clock(now, utc=view.utc) + (" UTC" if wide and view.utc else "")]


def _health(name: str, health: Health, now: float) -> str:
    if health.state == DOWN:
        return f"{name} DOWN {figures.stopwatch(now - health.since)}"
    if health.state == OFF:
        return f"{name} off"
    if health.state == OK:
        return f"{name} ok {figures.milliseconds(health.round_trip_s)}".rstrip()
    return f"{name} ..."


def _health_style(tables: Tables) -> str:
    if tables.state.database.state == DOWN:
        return "red"
    return "yellow" if tables.state.redis.state == DOWN else ""


def counts(tables: Tables, look: Look, width: int) -> str:
    state, wide = tables.state, width >= WIDE
    if state.snapshot is None:
        return Line(width, look).draw(" looking ...", "dim").done()
    queues = [row for row in state.queues.values() if tables.view.queue in (None, row.name)]
    of_slots = f" of {tables.slots} slots" if wide else ""
    parts = [
        ("pending", figures.total([row.pending for row in queues]), ""),
        ("running", f"{tables.busy_total:,}{of_slots}", ""),
        ("scheduled", figures.total([row.scheduled for row in queues]), ""),
    ]
    if tables.view.queue is None and (wide or (state.retrying and width >= 90)):  # not counted by queue
        parts.append(("retrying", figures.number(state.retrying), "yellow" if state.retrying else ""))
    parts.append(("failed", f"{tables.failed_number} (1h)", "red" if tables.failed_total else ""))
    parts.append(("stale", f"{tables.stale}", "magenta" if tables.stale else ""))
    if wide:
        paused = sum(row.is_paused(tables.at) for row in queues)
        oldest = min((row.oldest_at for row in queues if row.oldest_at and row.pending), default=None)
        parts.append(("paused queues", f"{paused}", "yellow" if paused else ""))
        parts.append(("oldest waiting", figures.age(None if oldest is None else tables.at - oldest), ""))
    gap = "    " if wide else "   "
    line = Line(width, look).draw(" ")
    for number, (name, value, style) in enumerate(parts):
        if line.used + len(gap) + len(name) + len(value) + 1 > width:
            break
        line.draw(gap if number else "").draw(f"{name} ", "dim").draw(value, style or "bold")
    return line.done()


def notices(tables: Tables, look: Look, width: int) -> list[str]:
    """What is wrong with the servers, in words."""
    state, now, view = tables.state, tables.now, tables.view
    found: list[str] = []
    if state.database.state == DOWN:
        age = state.age_s(now)
        since = (
            ""
            if age is None
            else (
                f" Figures are from {figures.clock(state.snapshot_at, utc=view.utc)}"
                f" ({figures.age(age)} ago)."
            )
        )
        still = " Events still live." if state.redis.state == OK else ""
        text = f"Database unreachable ({state.database.reason}).{since}{still}{_next(state.database, now)}"
        found += _notice(text, "red", look, width)
    if state.redis.state == DOWN:
        instead = f" Reading the database every {view.interval_s:g}s instead; nothing is lost."
        if state.database.state == DOWN:
            instead = ""
        text = f"Redis unreachable ({state.redis.reason}).{instead}{_next(state.redis, now)}"
        found += _notice(text, "yellow", look, width)
    for text in _doubts(tables):
        found += _notice(text, "yellow", look, width)
    return found


def _doubts(tables: Tables) -> Iterator[str]:
    """What makes the figures less good than they look."""
    state, view = tables.state, tables.view
    share = state.share_lost(tables.now)
    if share > GAP_SHARE:
        yield f"{share:.0%} of the last minute's events were not heard; the database tells what ended."
    if state.snapshot is not None and state.snapshot.finished_missed:
        yield "More tasks end than one look takes in: rates are too low. Press - to look more often."
    if state.database.state == OK and (state.database.round_trip_s or 0) > SLOW_S and view.interval_s < 10:
        yield "The database is slow to answer: 10s between looks is kinder (press +)."


def _next(health: Health, now: float) -> str:
    if health.retry_at <= now:
        return " Trying now."
    seconds = int(health.retry_at - now) + 1
    return f" Next try in {seconds}s." if seconds < 3 else f" Next try in {seconds}s, or press r."


def _notice(text: str, style: str, look: Look, width: int) -> list[str]:
    """At most three lines, broken between words."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < 3:
        line = Line(width, look).draw(" ! " if not lines else "   ", style)
        while words and (line.used + len(words[0]) + 1 < width or line.used <= 3):
            line.put(words.pop(0), style).draw(" ")
        lines.append(line.done())
    return lines


def footer(tables: Tables, look: Look, width: int) -> str:
    view = tables.view
    line = Line(width, look)
    if view.typed is not None:
        line.draw(" filter: ", "bold").put(view.typed).draw("_", "reverse")
        return line.draw("    Enter keeps it, Esc clears it", "dim").done()
    if view.asked is not None:
        line.draw(" ").put(view.asked.question, "bold yellow", most=width - 8)
        return line.draw(" [y/N]", "bold yellow").done()
    if view.flash:
        return line.draw(" ").put(view.flash, view.flash_style).done()
    if not view.has_keys:
        return line.draw(" stdin is no terminal: keys do nothing here, Ctrl-C ends it", "dim").done()
    end = "ro" if view.read_only else "rw" if width >= WIDE else ""
    gap = "   " if width >= WIDE else "  "
    line.draw(" ")
    for key, what in _keys(tables, width):
        if line.used + len(key) + len(what) + 1 + len(gap) > width - len(end) - 1:
            break
        line.draw(key, "bold").draw(f" {what}{gap}", "dim")
    return line.right(end, width - 1, "dim").done()


def _keys(tables: Tables, width: int) -> list[tuple[str, str]]:
    view = tables.view
    if view.page is not None:
        return [("Esc", "back"), ("q", "quit"), ("j k", "scroll"), *_actions(tables)]
    if width < WIDE:
        return [
            ("q", "quit"),
            ("?", "help"),
            ("/", "filter"),
            ("Tab", "panel"),
            ("Enter", "detail"),
            ("Space", "pause"),
            *_actions(tables),
        ]
    keys = [("q", "quit"), ("?", "help"), ("/", "filter"), ("Tab", "panel"), ("j k", "move")]
    keys += [("Enter", "detail"), ("s", "sort"), ("Space", "pause")]
    keys.append(("+ -", "speed" if view.speed is not None else "interval"))
    return keys + _actions(tables)


def _actions(tables: Tables) -> list[tuple[str, str]]:
    """What can be done to the selected row."""
    view = tables.view
    if view.speed is not None:
        return [("Left Right", "skip")]
    task = [("w", "why"), ("t", "stack")]
    page = view.page.kind if view.page is not None else None
    if page == "task":
        return [*([] if view.read_only else [("R", "retry"), ("X", "cancel")]), *task]
    if page is not None:
        pages = {
            "group": [("Enter", "detail"), ("R", "retry")],
            "queue": [("X", "cancel"), ("P", "pause")],
        }
        return [] if view.read_only else pages.get(page, [("D", "drain")] if page == "worker" else [])
    if view.read_only:
        return task if view.focus == RUNNING else []
    by_focus = {
        RUNNING: [("X", "cancel"), *task],
        FAILURES: [("R", "retry"), ("w", "why")],
        QUEUES: [("P", "pause")],
        WORKERS: [("D", "drain")],
    }
    return by_focus.get(view.focus, [])
