"""What a worker warns of at its start."""

from __future__ import annotations

import logging
import os
from typing import Any

import pytest

from django_task_worker.worker.cautions import say_cautions


@pytest.mark.parametrize("is_root", [True, False])
@pytest.mark.parametrize("debug", [True, False])
def test_root_and_debug_are_warned_of(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_root: bool,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_root else 1000)
    say_cautions()
    assert {record.levelno for record in caplog.records} <= {logging.WARNING}
    assert any("running as root" in text for text in caplog.messages) is is_root
    assert any("DEBUG is on" in text for text in caplog.messages) is debug
