"""Lines of an exact width, put together from pieces; bars and small charts. Pure.

Styles are those of a table (`render.table`) and pairs of them: "bold red". Without colours they vanish,
so none of them says anything alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from taskctl.dashboard.text import fit, width_of
from taskctl.render.table import CODES

_CODES = {**CODES, "reverse": "7"}
BLOCKS = " ▁▂▃▄▅▆▇█"
STEPS = " .:-=+*#%"
PARTS = "▏▎▍▌▋▊▉"


@dataclass(frozen=True, kw_only=True)
class Look:
    """How to draw."""

    colour: bool = True
    ascii_only: bool = False
    is_dim: bool = False
    """Old data: everything is drawn faintly."""

    @property
    def rule(self) -> str:
        return "-" if self.ascii_only else "─"

    @property
    def upright(self) -> str:
        return "|" if self.ascii_only else "│"


@lru_cache(maxsize=256)
def _codes(style: str) -> str:
    return ";".join(_CODES[word] for word in style.split())


def paint(text: str, style: str, look: Look) -> str:
    if not look.colour or not style:
        return text
    return f"\x1b[{_codes(style)}m{text}\x1b[0m"


class Line:
    """Built from the left; `used` is how many cells are taken."""

    __slots__ = ("look", "parts", "style", "used", "width")

    def __init__(self, width: int, look: Look, style: str = "") -> None:
        self.width = width
        self.look = look
        self.style = style
        """What every piece but bars has on top of its own, such as reverse for the selected row."""
        self.parts: list[str] = []
        self.used = 0

    def put(self, text: str, style: str = "", *, most: int | None = None, middle: bool = False) -> Line:
        """Untrusted text at the end, as much as there is room for."""
        room = self.width - self.used
        shown = fit(text, room if most is None else min(most, room), self.look.ascii_only, middle)
        return self._add(shown, width_of(shown), style)

    def draw(self, text: str, style: str = "") -> Line:
        """Our own text, one cell each character."""
        shown = text[: max(self.width - self.used, 0)]
        return self._add(shown, len(shown), style)

    def bar(self, text: str, style: str) -> Line:
        """The same for a bar, which reversed would show the opposite."""
        own, self.style = self.style, ""
        self.draw(text, style)
        self.style = own
        return self

    def to(self, column: int, filler: str = " ") -> Line:
        """Go on at this column."""
        gap = min(column, self.width) - self.used
        return self._add(filler * gap, gap, "dim" if filler != " " else "") if gap > 0 else self

    def right(self, text: str, column: int, style: str = "") -> Line:
        """Our own text so that it ends before this column."""
        self.to(column - len(text))
        return self.draw(text, style)

    def _add(self, text: str, width: int, style: str) -> Line:
        if text:
            look = self.look
            if look.is_dim:
                style = "dim"
            if self.style:
                style = f"{self.style} {style}" if style and style != "dim" else self.style
            self.parts.append(paint(text, style, look))
            self.used += width
        return self

    def done(self) -> str:
        """The line, filled up to its width."""
        self.to(self.width)
        return "".join(self.parts)


def title(name: str, note: str, width: int, look: Look, *, is_focused: bool = False) -> str:
    """`─ QUEUES ──────────── 1-3 of 3 ─`."""
    line = Line(width, look).draw(look.rule + " ", "dim")
    line.put(name, "bold cyan" if is_focused else "bold").draw(" ")
    if is_focused:
        line.draw("< " if look.ascii_only else "◂ ", "cyan")
    note = fit(note, max(width - line.used - 4, 0), look.ascii_only)
    end = width - width_of(note) - 3 if note else width
    line.to(end, look.rule)
    if note:
        line.draw(" ").put(note, "dim").draw(" ").draw(look.rule, "dim")
    return line.done()


def bar(share: float, width: int, look: Look, *, track: str = "") -> str:
    """A bar of whole cells; the rest is `track`, or blank."""
    full = max(0, min(width, round(share * width)))
    rest = (track or " ") * (width - full)
    return ("#" if look.ascii_only else "█") * full + (
        rest if not look.ascii_only or not track else "." * len(rest)
    )


def fine_bar(share: float, width: int, look: Look) -> str:
    """A bar in eighths of a cell."""
    if look.ascii_only:
        return bar(share, width, look)
    eighths = max(0, min(width * 8, round(share * width * 8)))
    if share > 0:
        eighths = max(eighths, 1)
    full, part = divmod(eighths, 8)
    text = "█" * full + (PARTS[part - 1] if part else "")
    return text.ljust(width)


def spark(values: Sequence[float], top: float, look: Look) -> str:
    """One character a value."""
    steps = STEPS if look.ascii_only else BLOCKS
    if top <= 0:
        return " " * len(values)
    return "".join(steps[min(8, max(1 if value > 0 else 0, round(value / top * 8)))] for value in values)


def chart(values: Sequence[float], top: float, rows: int, look: Look) -> list[str]:
    """Columns over several rows, the highest row first."""
    steps = STEPS if look.ascii_only else BLOCKS
    if top <= 0:
        return [" " * len(values)] * rows
    levels = [max(1 if value > 0 else 0, round(value / top * rows * 8)) for value in values]
    return [
        "".join(steps[max(0, min(8, level - 8 * row))] for level in levels) for row in range(rows - 1, -1, -1)
    ]
