"""How far a long change has come, and a gentle Ctrl-C."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from taskctl import progress
from taskctl.progress import Progress, interrupts
from taskctl.render.progress import bar, waited_for, words
from taskctl.terminal import Terminal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: times[0])
    return times


def test_short_work_shows_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(Terminal(err_is_tty=True), "deleted", 10) as shown:
        clock[0] = 0.9
        shown.update(5)
    assert capsys.readouterr().err == ""


def test_longer_work_shows_one_line_and_takes_it_away(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(Terminal(err_is_tty=True), "deleted", 1000) as shown:
        clock[0] = 1.5
        shown.update(500)
        clock[0] = 1.55
        shown.update(600)
    assert capsys.readouterr().err == "\r\x1b[Kdeleted 500 of 1,000\r\x1b[K"


def test_the_line_makes_room_for_what_else_is_said(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(Terminal(err_is_tty=True)) as shown:
        clock[0] = 1.5
        shown.show("half")
        shown.hide()
        shown.hide()
        clock[0] = 2
        shown.show("more")
    assert capsys.readouterr().err == "\r\x1b[Khalf\r\x1b[K\r\x1b[Kmore\r\x1b[K"


def test_quiet_shows_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(Terminal(err_is_tty=True, verbosity=-1), "deleted") as shown:
        clock[0] = 100
        shown.update(5)
    assert capsys.readouterr().err == ""


def test_a_log_gets_a_line_now_and_then_when_it_wants_detail(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    for verbosity, expected in ((0, ""), (1, "deleted 5\n")):
        clock[0] = 0
        with Progress(Terminal(verbosity=verbosity), "deleted") as shown:
            clock[0] = 11
            shown.update(5)
            clock[0] = 12
            shown.update(6)
        assert capsys.readouterr().err == expected


def test_the_first_ctrl_c_is_remembered_and_the_second_is_real() -> None:
    with interrupts() as pressed:
        assert not pressed()
        os.kill(os.getpid(), signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def told(done: Any = None, total: Any = None, message: Any = "") -> dict[str, Any]:
    return {"done": done, "total": total, "message": message}


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (told(4000, 10_000, "rows"), "40%, 4,000 of 10,000 rows"),
        (told(4000, 10_000), "40%, 4,000 of 10,000"),
        (told(2.5, None, "pages"), "2.5 pages"),
        (told(1 / 3, 1), "33%, 0.33 of 1"),
        (told(12, 10), "100%, 12 of 10"),
        (told(-1, 10), "0%, -1 of 10"),
        (told(3, 0, "files"), "3 of 0 files"),
        (None, ""),
        (told(), ""),
        (told("3", [], {}), ""),
        ({}, ""),
        ("half", ""),
        ([1, 2], ""),
    ],
)
def test_what_a_task_tells_is_said_in_words_and_what_it_does_not_is_left_out(
    progress: Any, text: str
) -> None:
    assert words(progress) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0.0, "░░░░"), (0.5, "██░░"), (0.28, "█▏░░"), (0.999, "████"), (1.0, "████")],
)
def test_a_bar_is_filled_in_eighths_of_a_cell(part: float, text: str) -> None:
    assert bar(part, 4) == text
    assert len(bar(part, 4, ascii_only=True)) == 4
    assert set(bar(part, 4, ascii_only=True)) <= set("#.")


def task(progress: Any = None, status: str = "PROGRESS") -> Any:
    return SimpleNamespace(progress=progress, status=status)


def test_one_task_is_waited_for_with_what_it_tells_and_for_how_long() -> None:
    line = waited_for([task(told(1, 4, "rows"))], 1, 72.0, 80)
    assert line == "█████░░░░░░░░░░░░░░░  25%, 1 of 4 rows  1m12s"
    assert waited_for([task(told(7, None, "rows"))], 1, 2.0, 80) == "7 rows  2s"
    assert waited_for([task()], 1, 2.0, 80) == "running  2s"
    assert waited_for([task(status="PENDING")], 1, 2.0, 80) == "pending  2s"


def test_several_tasks_are_counted_each_with_the_part_it_tells() -> None:
    line = waited_for([task(told(1, 2)), task(), task(status="PENDING")], 5, 2.0, 80, ascii_only=True)
    assert line == "##########..........  2 of 5 finished  2s"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_the_line_fits_and_holds_nothing_a_terminal_would_obey(width: int) -> None:
    line = waited_for([task(told(1, 4, "\x1b[2J\r\n日本語" * 100))], 1, 3600.0, width)
    assert line.isprintable()
    assert cell_len(line) <= max(width, 42)
