"""`taskctl demo` on a terminal ends with the live screen over a load."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dashboard.terminal import Terminal


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the demo makes its folder."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def start(terminal: Callable[..., Terminal], temporary: Path) -> Terminal:
    command = [sys.executable, "-m", "taskctl", "demo"]
    return terminal(command=command, size=(100, 40), TMPDIR=str(temporary), DJANGO_SETTINGS_MODULE="")


def test_the_demo_opens_the_live_screen_and_says_goodbye(
    terminal: Callable[..., Terminal], temporary: Path
) -> None:
    screen = start(terminal, temporary)
    screen.sees("Opening the live screen", 60)
    screen.sees(r"demo.slow +\S+ +█", 30)
    screen.sees(r"now [1-9]", 30)
    screen.press("q")
    assert screen.ends(30) == 0
    assert b"That was it: " in screen.stream
    assert b"taskctl doctor" in screen.stream
    screen.assert_restored()
    assert not list(temporary.iterdir())


def test_a_demo_that_is_ended_gives_the_terminal_back(
    terminal: Callable[..., Terminal], temporary: Path
) -> None:
    screen = start(terminal, temporary)
    screen.sees("RUNNING", 60)
    screen.send(signal.SIGTERM)
    assert screen.ends(30) == 143
    screen.assert_restored()
    assert screen.attributes() == screen.before
    assert not list(temporary.iterdir())
