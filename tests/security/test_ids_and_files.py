"""Ids that cannot be guessed, files that cannot be redirected, imports that need no network."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from math import log2
from pathlib import Path

import pytest

from django_task_worker.ids import ALPHABET, LENGTH, new_id
from django_task_worker.worker.heartbeat import HeartbeatFile
from tests.contract.conftest import ROOT, command

# Ids


def test_an_id_has_at_least_125_random_bits_and_no_order() -> None:
    assert LENGTH * log2(len(ALPHABET)) >= 125
    ids = [new_id() for _ in range(20_000)]
    assert len(set(ids)) == len(ids)
    assert ids != sorted(ids)
    letters = Counter("".join(ids))
    expected = len(ids) * LENGTH / len(ALPHABET)
    deviations = [(letters[chr(letter)] - expected) ** 2 / expected for letter in ALPHABET]
    assert sum(deviations) < 110, "chance exceeds this once in 50,000 runs"


# Files


def test_a_heartbeat_is_never_written_through_a_planted_link(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = tmp_path / "precious"
    target.write_text("untouched")
    os.utime(target, (1, 1))
    (tmp_path / "alive").symlink_to(target)
    file = HeartbeatFile(tmp_path / "alive")
    for _ in range(3):
        file.touch(0.0, 0.0)
    assert target.stat().st_mtime == 1
    assert target.read_text() == "untouched"
    assert len(caplog.records) == 1, "said once"


def test_a_heartbeat_does_not_wait_for_the_reader_of_a_pipe(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(tmp_path / "alive")
    done = threading.Thread(target=HeartbeatFile(tmp_path / "alive").touch, args=(0.0, 0.0), daemon=True)
    done.start()
    done.join(10)
    assert not done.is_alive()
    assert len(caplog.records) == 1


# Where we come from


def test_nothing_needs_a_network_to_be_imported(environment: dict[str, str]) -> None:
    """In a network namespace of its own, which has none."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("django_task_worker", "taskctl")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.stem not in ("__main__", "__init__")
    ]
    script = f"import django; django.setup()\nfor name in {modules!r}: __import__(name)\nprint('all')"
    within = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    done = command(*within, sys.executable, "-c", script, cwd=ROOT / "tests" / "project", env=environment)
    assert done == "all\n"


def test_two_builds_give_the_same_wheel(tmp_path: Path) -> None:
    wheels = []
    for name in ("one", "two"):
        words = ["-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / name]
        subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True, timeout=60)
        wheels.append(next((tmp_path / name).glob("*.whl")))
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
