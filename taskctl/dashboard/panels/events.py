"""What happened last, newest first."""

from __future__ import annotations

from taskctl.dashboard import figures
from taskctl.dashboard.lines import Line, Look, title
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import EVENTS
from taskctl.listening.happenings import Happening
from taskctl.render.tasks import STYLES

WIDE = 120
MORE_STYLES = {"retrying": "yellow", "gap": "magenta", "paused": "yellow", "worker down": "yellow"}


def lines(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    view, state = tables.view, tables.state
    shown = max(0, height - 1)
    top = min(view.at[EVENTS], max(0, len(tables.events) - shown))
    note = f"{figures.rate(tables.rate(state.heard, 5))}/s, {state.dropped:,} dropped"
    if state.mode == "POLLING":
        note = "ends of tasks only"
    if width >= WIDE:
        note += "   e to hide"
    found = [title("EVENTS", note, width, look, is_focused=view.focus == EVENTS)]
    for happening in tables.events[top : top + shown]:
        found.append(_line(happening, tables, look, width))
    if not tables.events:
        text = " none yet" if state.mode == "LIVE" else " none: without Redis only the ends of tasks are seen"
        found.append(Line(width, look).draw(text, "dim").done())
    return found


def _line(happening: Happening, tables: Tables, look: Look, width: int) -> str:
    wide = width >= WIDE
    id_at, task_at, queue_at, worker_at, rest_at = (28, 42, 74, 86, 104) if wide else (28, 38, 0, 0, 64)
    at = happening.at or tables.at
    line = Line(width, look).draw(" ").draw(figures.clock(at, utc=tables.view.utc, fraction=True), "dim")
    style = MORE_STYLES.get(happening.event) or STYLES.get(happening.event, "")
    line.to(15).draw(happening.event, style).to(id_at)
    if happening.id is None:
        return line.put(_about_others(happening, tables)).done()
    line.put(happening.id[: task_at - id_at - 2]).to(task_at)
    line.put(happening.task or "?", most=(queue_at or rest_at) - task_at - 2, middle=True)
    if wide:
        line.to(queue_at).put(happening.queue or "", most=worker_at - queue_at - 2)
        line.to(worker_at).put(happening.worker or "", most=rest_at - worker_at - 2)
    return line.to(rest_at).put(_details(happening, tables)).done()


def _about_others(happening: Happening, tables: Tables) -> str:
    if happening.event == "gap":
        return f"{happening.number} events were missed on the way"
    if happening.event == "enqueued":
        return f"{happening.number:,} tasks in queue {happening.queue or '?'}"
    if happening.event in ("paused", "resumed"):
        queue = tables.state.queues.get(happening.queue or "")
        by = f" by {queue.paused_by}" if queue and queue.paused_by and happening.event == "paused" else ""
        return f"queue {happening.queue or '?'}{by}"
    return happening.worker or ""


def _details(happening: Happening, tables: Tables) -> str:
    parts = []
    if happening.run_s is not None:
        parts.append(f"run {figures.duration(happening.run_s)}")
    if happening.wait_s is not None:
        parts.append(f"wait {figures.duration(happening.wait_s)}")
    if happening.error_type:
        known = tables.state.failures.get(happening.id or "")
        text = known.error.partition("\n")[0] if known and happening.event == "failed" else ""
        parts.insert(0, f"{happening.error_type}: {text}" if text else happening.error_type)
        if (happening.tries or 1) > 1:
            parts.append(f"try {happening.tries}")
    return "   ".join(parts)
