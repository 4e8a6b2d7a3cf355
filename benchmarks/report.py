"""What a measure found, as a table for people and as JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure, once a round. Rows of one kind are held against the first of them."""

    name: str
    unit: str
    figures: Sequence[float]
    kind: str = ""

    @property
    def median(self) -> float:
        return median(self.figures)

    @property
    def spread(self) -> float:
        """Largest less smallest, as a part of the median: how noisy it was."""
        return (max(self.figures) - min(self.figures)) / self.median if self.median else 0.0

    def over(self, other: Row) -> float:
        """The median of the ratios of each round."""
        return median(mine / theirs for mine, theirs in zip(self.figures, other.figures, strict=True))


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What we want of a figure or a ratio."""

    text: str
    figure: float
    limit: float
    at_least: bool = True

    @property
    def is_met(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A measure's rows, the first of each kind being ours, and its goals."""

    number: str
    title: str
    rows: Sequence[Row]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def ratio(self, row: Row) -> float | None:
        """What ours is of this row."""
        ours = next(first for first in self.rows if first.kind == row.kind)
        return None if ours is row else ours.over(row)


def table(finding: Finding) -> str:
    """A few lines of text."""
    lines = [f"{finding.number}  {finding.title}"]
    for row in finding.rows:
        ratio = finding.ratio(row)
        line = f"    {row.name:<48.48} {_number(row.median):>12} {row.unit:<8}"
        line += f" {f'±{row.spread / 2:.0%}' if len(row.figures) > 1 else '':>5}"
        lines.append(line if ratio is None else f"{line} {ratio:8.2f}")
    for goal in finding.goals:
        sign, verdict = ("≥" if goal.at_least else "≤"), ("met" if goal.is_met else "NOT MET")
        lines.append(f"    goal: {goal.text:<62} {_number(goal.figure):>9} {sign} {goal.limit:g}  {verdict}")
    lines += [f"    note: {note}" for note in finding.notes]
    return "\n".join(lines)


def _number(figure: float) -> str:
    if abs(figure) >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:.3g}"


def as_json(findings: Iterable[Finding], options: Any) -> dict[str, Any]:
    """Everything, with what it was measured on."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "rounds": options.rounds,
        "quick": options.quick,
        "measures": [
            {
                "number": finding.number,
                "title": finding.title,
                "rows": [
                    {
                        "name": row.name,
                        "unit": row.unit,
                        "median": row.median,
                        "figures": list(row.figures),
                        "ours_over_this": finding.ratio(row),
                    }
                    for row in finding.rows
                ],
                "goals": [
                    {
                        "text": goal.text,
                        "figure": goal.figure,
                        "limit": goal.limit,
                        "at_least": goal.at_least,
                        "met": goal.is_met,
                    }
                    for goal in finding.goals
                ],
                "notes": list(finding.notes),
            }
            for finding in findings
        ],
    }


def machine() -> dict[str, Any]:
    """The machine, as far as it matters."""
    return {
        "cpu": _cpu(),
        "cpus": len(os.sched_getaffinity(0)),
        "load": Path("/proc/loadavg").read_text().split()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
