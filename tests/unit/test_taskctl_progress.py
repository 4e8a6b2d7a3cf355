"""How far a long change has come, and a gentle Ctrl-C."""

from __future__ import annotations

import os
import signal

import pytest

from taskctl import progress
from taskctl.progress import Progress, interrupts
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
