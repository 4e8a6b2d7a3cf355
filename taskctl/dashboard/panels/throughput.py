"""Tasks that ended each second: a line of small bars, or a chart of the last ten minutes."""

from __future__ import annotations

import math

from taskctl.dashboard import figures
from taskctl.dashboard.lines import Line, Look, chart, spark, title
from taskctl.dashboard.tables import Tables

NOW_S, MINUTE_S, HISTORY_S = 5, 60, 600
LABEL = 8
STEP_S = 5


def one_line(tables: Tables, look: Look, width: int) -> str:
    """` done/s ▃▄▄▅▆▇██         now 41.8  1m 38.9  peak 61.0`."""
    meter = tables.series.finished
    size = max(0, min(60, width - 46))
    values = meter.totals(tables.now, step_s=STEP_S, steps=size)
    peak = max(values, default=0)
    line = Line(width, look).draw(" done/s ").draw(spark(values, peak, look), "green")
    now = tables.rate(meter, NOW_S)
    figures_ = (("now", now), ("1m", tables.rate(meter)), ("peak", max(now, peak / STEP_S)))
    text = "  ".join(f"{name} {figures.rate(value)}" for name, value in figures_)
    return line.right(text, width - 1).done()


def lines(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    """A title, a chart, and below it the time."""
    meter = tables.series.finished
    room = max(10, width - LABEL)
    step_s = math.ceil(HISTORY_S / room)
    values = meter.totals(tables.now, step_s=step_s, steps=HISTORY_S // step_s)
    peak = max(values)
    rows = max(1, height - 3)
    found = [
        title(f"THROUGHPUT  done/s, last {HISTORY_S // 60} min", _note(tables, peak / step_s), width, look)
    ]
    for number, text in enumerate(chart(values, peak, rows, look)):
        level = peak / step_s * (rows - number) / rows
        label = "" if not level else figures.rate(level) if level < 10 else f"{level:,.0f}"
        line = Line(width, look).right(label, LABEL - 3, "dim").to(LABEL - 2).draw(look.upright, "dim")
        found.append(line.draw(text, "green").done())
    corner = "+" if look.ascii_only else "└"
    line = Line(width, look).to(LABEL - 2).draw(corner + look.rule * len(values), "dim")
    found.append(line.done())
    line = Line(width, look).to(LABEL - 1).draw("-10m", "dim")
    line.to(LABEL + len(values) // 2 - 2).draw("-5m", "dim").right("now", LABEL - 1 + len(values), "dim")
    found.append(line.done())
    return found[:height]


def _note(tables: Tables, peak: float) -> str:
    meter = tables.series.finished
    now = tables.rate(meter, NOW_S)
    parts = [
        f"now {figures.rate(now)}",
        f"1m {figures.rate(tables.rate(meter))}",
        f"10m {figures.rate(tables.rate(meter, HISTORY_S))}",
        f"peak {figures.rate(max(now, peak))}",
        f"failed/s {figures.rate(tables.rate(tables.series.failed))}",
    ]
    return "   ".join(parts)
