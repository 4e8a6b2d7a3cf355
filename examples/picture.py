"""Lines of a terminal as an SVG picture that looks the same with every font.

Text comes from the reader's own monospace font, fitted to the cells; blocks, bars and rules are drawn, so
that they join. Nothing is loaded from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

THEME = TerminalTheme(
    (16, 18, 24),
    (201, 205, 214),
    [(70, 75, 88), (230, 95, 100), (110, 200, 120), (229, 192, 100), (97, 150, 240), (190, 120, 220),
     (90, 190, 205), (201, 205, 214)],
)  # fmt: skip
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
WIDTH, HEIGHT, SIZE, BASE = 8.4, 18.0, 14, 13.5
"""Of a cell; of the letters; where they stand in it."""
EDGE, BAR = 12.0, 34.0
"""Around the screen, and the title above it."""
LIGHTS = ("#ff5f57", "#febc2e", "#28c840")
RISING, GROWING = " ▁▂▃▄▅▆▇█", " ▏▎▍▌▋▊▉█"
RULES = "─│└┬"
DIM = 0.55


class Piece(NamedTuple):
    """Characters of one style that stand next to each other, from a column on."""

    column: int
    text: str
    style: Style

    @property
    def colours(self) -> tuple[str, str | None]:
        """Of the characters, and behind them if it is not that of the screen."""
        own, behind = self.style.color, self.style.bgcolor
        front = (own.get_truecolor(THEME) if own else THEME.foreground_color).hex
        back = behind.get_truecolor(THEME, foreground=False).hex if behind else None
        if self.style.reverse:
            return back or THEME.background_color.hex, front
        return front, back


def svg(lines: Sequence[str], columns: int, title: str) -> str:
    """The picture of these lines, which may hold ANSI colours."""
    width, height = columns * WIDTH + 2 * EDGE, len(lines) * HEIGHT + BAR + EDGE
    body = "".join(_line(text, EDGE, BAR + number * HEIGHT) for number, text in enumerate(lines))
    lights = "".join(
        f'<circle cx="{18 + 20 * number}" cy="17" r="6" fill="{colour}"/>'
        for number, colour in enumerate(LIGHTS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>text {{ font: {SIZE}px {FONTS}; white-space: pre }} "
        f".b {{ font-weight: bold }}</style>\n"
        f'<rect width="{width:g}" height="{height:g}" rx="9" fill="{THEME.background_color.hex}"/>{lights}\n'
        f'<text x="{width / 2:g}" y="22" text-anchor="middle" fill="{THEME.foreground_color.hex}" class="b">'
        f'{escape(title)}</text>\n<g shape-rendering="crispEdges">\n{body}</g></svg>\n'
    )


def _line(line: str, x: float, y: float) -> str:
    drawn = [_drawn(piece, x + piece.column * WIDTH, y) for piece in _pieces(Text.from_ansi(line))]
    return "".join(drawn) + "\n" if drawn else ""


def _pieces(text: Text) -> Iterator[Piece]:
    """Cells of the same style and kind; blanks alone only where something is behind them."""
    spans = [(start, end, Style.parse(str(style))) for start, end, style in text.spans]
    cells = []
    for at, character in enumerate(text.plain):
        found = [style for start, end, style in spans if start <= at < end]
        cells.append((character, Style.combine([Style.null(), *found])))
    column = 0
    for (style, _), group in groupby(cells, key=lambda cell: (cell[1], _kind(cell[0]))):
        same = "".join(character for character, _ in group)
        if same.strip() or style.reverse or style.bgcolor:
            yield Piece(column, same, style)
        column += cell_len(same)


def _kind(character: str) -> str:
    """Text can be told at once; what is drawn goes with its like alone."""
    is_drawn = character != " " and character in RISING + GROWING + RULES + "░"
    return character if is_drawn else ""


def _drawn(piece: Piece, x: float, y: float) -> str:
    front, back = piece.colours
    width = cell_len(piece.text) * WIDTH
    behind = _box(x, y, width, HEIGHT, back) if back else ""
    kind = _kind(piece.text[0])
    opacity = DIM if piece.style.dim else 1.0
    if kind == "░":
        return behind + _box(x, y + 1, width, HEIGHT - 2, front, 0.25)
    if kind and kind in RULES:
        return behind + "".join(_box(*box, front, opacity) for box in _rule(kind, x, y, width))
    if kind and kind in RISING:
        part = HEIGHT * RISING.index(kind) / 8
        return behind + _box(x, y + HEIGHT - part, width, part, front, opacity)
    if kind:
        return behind + _box(x, y, WIDTH * GROWING.index(kind) / 8, HEIGHT, front, opacity)
    return behind + _words(piece, x, y, front, opacity)


def _rule(kind: str, x: float, y: float, width: float) -> Iterator[tuple[float, float, float, float]]:
    """The strokes of a rule through the middle of its cells."""
    middle_x, middle_y = x + WIDTH / 2, y + HEIGHT / 2
    if kind in "─┬":
        yield x, middle_y - 0.5, width, 1
    if kind == "│":
        yield middle_x - 0.5, y, 1, HEIGHT
    if kind == "┬":
        yield middle_x - 0.5, middle_y, 1, HEIGHT / 2
    if kind == "└":
        yield middle_x - 0.5, y, 1, HEIGHT / 2
        yield middle_x - 0.5, middle_y - 0.5, WIDTH / 2 + 0.5, 1


def _words(piece: Piece, x: float, y: float, colour: str, opacity: float) -> str:
    text = piece.text.rstrip()
    blanks = len(text) - len(text.lstrip())
    text, x = text[blanks:], x + blanks * WIDTH
    if not text:
        return ""
    faint = f' opacity="{opacity}"' if opacity < 1 else ""
    bold = ' class="b"' if piece.style.bold else ""
    place = f'x="{x:g}" y="{y + BASE:g}" textLength="{cell_len(text) * WIDTH:g}"'
    return f'<text {place} fill="{colour}"{faint}{bold}>{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0) -> str:
    faint = f' opacity="{opacity}"' if opacity < 1 else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"{faint}/>'
