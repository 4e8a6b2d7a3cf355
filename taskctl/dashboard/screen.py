"""The whole screen as lines: a pure function of state, view and size."""

from __future__ import annotations

from dataclasses import replace

from taskctl.dashboard import layout, pages
from taskctl.dashboard.layout import Need
from taskctl.dashboard.lines import Line, Look
from taskctl.dashboard.messages import DOWN
from taskctl.dashboard.panels import events, failures, frame, latency, queues, running, throughput, workers
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import PANELS, QUEUES, RUNNING, WORKERS

LEAST = (40, 8)
SMALL = (60, 12)
FULL = (120, 30)
TALL = 40
CHART = {True: 7, False: 5}
"""Height of the chart on a tall screen and on one that is not."""


def render(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    """Exactly `height` lines of exactly `width` cells."""
    if width < LEAST[0] or height < LEAST[1]:
        return _too_small(look, width, height)
    faint = replace(look, is_dim=tables.state.database.state == DOWN)
    head = [frame.header(tables, look, width)]
    foot = [frame.footer(tables, look, width)]
    if width < SMALL[0] or height < SMALL[1]:
        room = height - 2
        page = tables.view.page
        body = pages.lines(page, look, width, room) if page else running.lines(tables, faint, width, room)
        return _filled([*head, *body], foot, look, width, height)
    is_full = _is_full(tables, width, height)
    head += _summary(tables, look, faint, width, is_full=is_full)
    head += frame.notices(tables, look, width)
    room = height - len(head) - 1
    if tables.view.page is not None:
        body = pages.lines(tables.view.page, look, width, room)
    elif is_full:
        body = _full(tables, faint, width, room, is_tall=height >= TALL)
    else:
        body = _compact(tables, faint, width, room)
    return _filled([*head, *body], foot, look, width, height)


def page_room(tables: Tables, look: Look, width: int, height: int) -> int:
    """How many lines a page has on a screen of that size."""
    if width < SMALL[0] or height < SMALL[1]:
        return height - 2
    head = 1 + len(_summary(tables, look, look, width, is_full=_is_full(tables, width, height)))
    return height - head - len(frame.notices(tables, look, width)) - 1


def panels(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    """Those that can be gone to on a screen of that size, in their order."""
    if width < SMALL[0] or height < SMALL[1]:
        return [RUNNING]
    room = page_room(tables, look, width, height)
    if _is_full(tables, width, height):
        lines = layout.share(_full_needs(tables, is_tall=height >= TALL), room)
        lines[QUEUES] = lines[WORKERS] = lines["middle"]
    else:
        lines = layout.share(_compact_needs(tables, room), room)
    return [panel for panel in PANELS if lines.get(panel)]


def _is_full(tables: Tables, width: int, height: int) -> bool:
    if tables.view.layout != "auto":
        return tables.view.layout == "full" and width >= 100
    return width >= FULL[0] and height >= FULL[1]


def _summary(tables: Tables, look: Look, faint: Look, width: int, *, is_full: bool) -> list[str]:
    counts = frame.counts(tables, faint, width)
    return [counts] if is_full else [throughput.one_line(tables, look, width), counts]


def _filled(body: list[str], foot: list[str], look: Look, width: int, height: int) -> list[str]:
    body = body[: height - len(foot)]
    blank = Line(width, look).done()
    return [*body, *[blank] * (height - len(foot) - len(body)), *foot]


def _too_small(look: Look, width: int, height: int) -> list[str]:
    words = f"make the window larger (needs {LEAST[0]}x{LEAST[1]}, is {width}x{height})"
    found: list[str] = []
    while words and len(found) < height:
        found.append(Line(width, look).draw(words[:width]).done())
        words = words[width:]
    return [*found, *[" " * width] * (height - len(found))]


def _compact_needs(tables: Tables, height: int) -> list[Need]:
    needs = [
        Need("running", 4, running.wanted(tables), spare=2),
        Need("queues", 3, queues.wanted(tables)),
        Need("failures", 3, failures.wanted(tables, header=False), spare=1),
        Need("workers", 2, workers.wanted(tables, header=False)),
    ]
    if height >= TALL - 6:
        needs.append(Need("latency", latency.HEIGHT, latency.HEIGHT))
        if tables.view.events:
            needs.append(Need("events", 3, 10))
    return needs


def _compact(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    lines = layout.share(_compact_needs(tables, height), height)
    found = queues.lines(tables, look, width, lines["queues"])
    found += workers.lines(tables, look, width, lines["workers"], header=False) if lines["workers"] else []
    found = _padded(found, lines["queues"] + lines["workers"], look, width)
    found += _padded(running.lines(tables, look, width, lines["running"]), lines["running"], look, width)
    failed = failures.lines(tables, look, width, lines["failures"], header=False) if lines["failures"] else []
    found += _padded(failed, lines["failures"], look, width)
    if lines.get("latency"):
        found += latency.lines(tables, look, width, lines["latency"])
    if lines.get("events"):
        found += events.lines(tables, look, width, lines["events"])
    return found


def _full_needs(tables: Tables, *, is_tall: bool) -> list[Need]:
    beside = workers.wanted(tables, header=True) + latency.HEIGHT
    middle = max(queues.wanted(tables), beside)
    needs = [
        Need("running", 5, running.wanted(tables), spare=2),
        Need("middle", min(max(middle, 7), 10), middle),
        Need("failures", 4, failures.wanted(tables, header=True), spare=1),
        Need("chart", CHART[is_tall], CHART[is_tall]),
    ]
    if tables.view.events and is_tall:
        needs.append(Need("events", 5, 9))
    return needs


def _full(tables: Tables, look: Look, width: int, height: int, *, is_tall: bool) -> list[str]:
    left = width * 55 // 100
    right = width - left - 1
    lines = layout.share(_full_needs(tables, is_tall=is_tall), height)
    found = throughput.lines(tables, look, width, lines["chart"]) if lines["chart"] else []
    if lines["middle"]:
        found += _middle(tables, look, left, right, lines["middle"])
    found += _padded(running.lines(tables, look, width, lines["running"]), lines["running"], look, width)
    if lines["failures"]:
        failed = failures.lines(tables, look, width, lines["failures"], header=True)
        found += _padded(failed, lines["failures"], look, width)
    if lines.get("events"):
        found += events.lines(tables, look, width, lines["events"])
    return found


def _middle(tables: Tables, look: Look, left: int, right: int, height: int) -> list[str]:
    """Queues on the left; workers over latency on the right."""
    first = _padded(queues.lines(tables, look, left, height), height, look, left)
    beside = latency.HEIGHT if height >= latency.HEIGHT + 3 else 0
    second = workers.lines(tables, look, right, height - beside, header=True)
    second = _padded(second, height - beside, look, right)
    if beside:
        second += latency.lines(tables, look, right, beside)
    upright = Line(1, look).draw(look.upright, "dim").done()
    corner = Line(1, look).draw("+" if look.ascii_only else "┬", "dim").done()
    between = [corner, *[upright] * (height - 1)]
    return [one + middle + other for one, middle, other in zip(first, between, second, strict=True)]


def _padded(lines: list[str], height: int, look: Look, width: int) -> list[str]:
    blank = Line(width, look).done()
    return [*lines[:height], *[blank] * (height - len(lines))]
