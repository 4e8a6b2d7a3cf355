"""How long tasks waited and ran in the last five minutes."""

from __future__ import annotations

from taskctl.dashboard import figures
from taskctl.dashboard.lines import Line, Look, title
from taskctl.dashboard.tables import Tables

HEIGHT = 4
TITLES = ("P50", "P90", "P95", "P99", "MAX")


def lines(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    step = max(8, min(10, (width - 8) // 5))
    head = Line(width, look)
    for number, name in enumerate(TITLES, start=1):
        head.right(name, 8 + number * step, "dim")
    found = [title("LATENCY  last 5 min", "", width, look), head.done()]
    series = tables.series
    for name, spread in (("wait", series.wait), ("run", series.run)):
        line = Line(width, look).draw(f" {name}")
        times = spread.times(tables.now)
        for number in range(5):
            line.right(figures.duration(None if times is None else times[number]), 8 + (number + 1) * step)
        found.append(line.done())
    return found[:height]
