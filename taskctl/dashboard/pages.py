"""Pages in front of the panels: help, an id to copy, the details of a row. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django_task_worker.cleaning import clean
from taskctl.dashboard.columns import MARK
from taskctl.dashboard.lines import Line, Look, title
from taskctl.dashboard.text import fit, width_of
from taskctl.dashboard.view import Page, Row, View

LABEL = 14
LONGEST = 4000

KEYS = (
    ("Moving", ""),
    ("Tab, 1-5", "go to the next panel, or to this one"),
    ("j k, arrows, g G", "move in it; PgUp and PgDn by ten"),
    ("Enter, Esc", "details of the row; back"),
    ("s, S", "sort by the next column; the other way round"),
    ("/", "only what contains a text; Esc shows all again"),
    ("", ""),
    ("The screen", ""),
    ("Space", "hold it still; data keeps flowing"),
    ("+ -", "look at the database more or less often"),
    ("e", "show or hide the events"),
    ("r", "try a lost connection now"),
    ("y", "the id of the task, to copy"),
    ("Ctrl-L, z", "draw anew; suspend to the shell (fg comes back)"),
    ("q, Ctrl-C", "quit"),
    ("", ""),
    ("The selected task", ""),
    ("w", "why it does not run, or failed, and what to do"),
    ("t", "its live Python stack"),
)
CHANGES = (
    ("", ""),
    ("Capital letters change data, and ask first", ""),
    ("R", "retry the failed task or group"),
    ("X", "cancel the task"),
    ("P", "pause or resume the queue"),
    ("D", "let the worker finish and exit"),
)
REPLAY = (
    ("", ""),
    ("While a recording is replayed", ""),
    ("+ -", "faster, slower"),
    ("Left, Right", "ten seconds back or on; with Shift a minute"),
)
SOURCES = (
    ("", ""),
    ("What is shown", ""),
    ("LIVE", "events from Redis, checked against the database"),
    ("POLLING", "no Redis: the database alone"),
    ("DB DOWN", "the last figures, faint; events go on"),
    ("WAIT95, RUN95", "19 of 20 tasks of the last 5 min took no longer"),
)


def help_page(view: View) -> Page:
    more = REPLAY if view.speed is not None else () if view.read_only else CHANGES
    rows = [
        Row(key, what, "") if what else Row("", key, "bold cyan" if key else "")
        for key, what in (*KEYS, *more, *SOURCES)
    ]
    return Page("help", "HELP", rows)


def id_page(task_id: str) -> Page:
    rows = [Row("", ""), Row("", task_id, "bold"), Row("", ""), Row("", f"taskctl show {task_id}", "dim")]
    return Page("id", "ID", rows, key=task_id)


class _Part(NamedTuple):
    row: int
    label: str
    text: str
    style: str
    is_choice: bool


def parts(page: Page, width: int, *, ascii_only: bool = False) -> list[_Part]:
    """The rows of a page, those that are too long broken into several lines."""
    longest = max((len(row.label) for row in page.rows), default=0)
    indent = min(max(LABEL, longest + 3), 32, width // 2) if longest else 0
    found = []
    for number, row in enumerate(page.rows):
        if row.key is not None:
            found.append(_Part(number, row.label, row.text, row.style, True))
            continue
        room = max(10, width - indent - 2)
        for at, piece in enumerate(_broken(clean(row.text, LONGEST, ascii_only=ascii_only), room)):
            found.append(_Part(number, row.label if at == 0 else "", piece, row.style, False))
    return found


def _broken(text: str, width: int) -> Iterator[str]:
    """Pieces of at most `width` cells; between words where that is possible."""
    while width_of(text) > width:
        head = fit(text, width + 1)[:-1] if not text.isascii() else text[:width]
        cut = head.rfind(" ")
        head = head[:cut] if cut > width // 2 else head
        yield head
        text = text[len(head) :].lstrip(" ")
    yield text


def lines(page: Page, look: Look, width: int, height: int) -> list[str]:
    found = [title(page.title, "loading" if page.is_loading else "", width, look, is_focused=True)]
    all_parts = parts(page, width, ascii_only=look.ascii_only)
    labels = max((len(row.label) for row in page.rows), default=0)
    indent = min(max(LABEL, labels + 3), 32, width // 2) if labels else 0
    room = height - 1
    top = max(0, min(page.top, len(all_parts) - room))
    choices = page.choices
    chosen = choices[min(page.at, len(choices) - 1)] if choices else -1
    for part in all_parts[top : top + room]:
        is_chosen = part.is_choice and part.row == chosen
        line = Line(width, look, "reverse" if is_chosen else "").draw(MARK if is_chosen else " ")
        line.put(part.label, "dim", most=indent - 1 if indent else 0).to(1 + indent)
        found.append(line.put(part.text, part.style).done())
    if len(all_parts) > top + room:
        found[-1] = (
            Line(width, look).draw(f" {'~' if look.ascii_only else '…'} more, j to scroll", "dim").done()
        )
    return found


def scroll(page: Page, step: int, width: int, height: int) -> None:
    """Move by that many lines, or rows where rows can be selected, as far as there are any."""
    all_parts = parts(page, width)
    room = height - 1
    choices = page.choices
    if choices:
        page.at = max(0, min(len(choices) - 1, page.at + step))
        line = next(at for at, part in enumerate(all_parts) if part.row == choices[page.at])
        if line < page.top or page.at == 0:
            page.top = 0 if page.at == 0 else line
        elif line >= page.top + room - 1:
            page.top = line - room + 2
    else:
        page.top = page.top + step
    page.top = max(0, min(page.top, len(all_parts) - room))
