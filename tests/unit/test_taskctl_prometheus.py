"""The text format of Prometheus: every name once, every label escaped, never too many."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.overview import Figures
from django_task_worker.statistics import Summary
from taskctl.render.prometheus import MOST_LABELS, escape, lines

NOW = datetime(2026, 11, 22, 12, 4, 31, tzinfo=UTC)
SAMPLE = re.compile(
    r"(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z]+=\"(?:[^\"\\\n]|\\.)*\",?)+)\})? (?P<value>\d+(\.\d+)?)"
)
QUEUE = {
    "queue": "mail",
    "pending": 3,
    "scheduled": 1,
    "running": 2,
    "oldest_s": 12.5,
    "paused": True,
    "workers": 2,
}


def row(key: str | None, completed: int = 1, **now: Any) -> Figures:
    summary = Summary(key=key, since=NOW, window_s=60.0, completed=completed)
    summary.run.note_all([0.0005] * completed)
    values = {"enqueued": 1, "pending": 2, "pending_capped": False, "running": 1, **now}
    return Figures(at=NOW, summary=summary, **values)


def samples(
    figures: list[Figures], by: str | None = "task", queues: Any = (), workers: Any = None
) -> dict[str, str]:
    """Each sample of a file by its name and labels; fails on what no parser would take."""
    found: dict[str, str] = {}
    for line in lines(figures, by, (), {}):
        if not line.startswith("# "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            subject = line.rpartition(" ")[0]
            assert subject not in found
            found[subject] = match["value"]
    return found


def test_it_is_what_prometheus_reads() -> None:
    text = list(lines([row("app.tasks.add", 3)], "task", [QUEUE], {"up": 1, "lost": 0}))
    assert text[:9] == [
        "# HELP django_task_worker_window_seconds Seconds that the figures of what has ended cover.",
        "# TYPE django_task_worker_window_seconds gauge",
        "django_task_worker_window_seconds 60.0",
        "# HELP django_task_worker_tasks_enqueued Tasks created in the window.",
        "# TYPE django_task_worker_tasks_enqueued gauge",
        'django_task_worker_tasks_enqueued{task="app.tasks.add"} 1',
        "# HELP django_task_worker_tasks_completed Tasks that completed in the window.",
        "# TYPE django_task_worker_tasks_completed gauge",
        'django_task_worker_tasks_completed{task="app.tasks.add"} 3',
    ]
    assert 'django_task_worker_run_seconds{task="app.tasks.add",quantile="0.95"} 0.0005' in text
    assert 'django_task_worker_queue_oldest_seconds{queue="mail"} 12.5' in text
    assert 'django_task_worker_queue_paused{queue="mail"} 1' in text
    assert text[-2:] == [
        'django_task_worker_workers{status="up"} 1',
        'django_task_worker_workers{status="lost"} 0',
    ]


def test_without_groups_there_are_no_labels() -> None:
    found = samples([row(None, 3)], None)
    assert found["django_task_worker_tasks_completed"] == "3"
    assert found['django_task_worker_run_seconds{quantile="0.5"}'] == "0.0005"


def test_what_is_not_known_is_left_out_with_its_head() -> None:
    text = list(lines([row("a.b", 0, enqueued=None, pending=None)], "task", [], {}))
    for name in ("tasks_enqueued", "tasks_pending", "wait_seconds", "run_seconds", "queue_pending"):
        assert not [line for line in text if name in line]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("app.tasks.add", "app.tasks.add"),
        ('a"b', 'a\\"b'),
        ("a\\b", "a\\\\b"),
        ("a\nb", "a\\nb"),
        ("naïve 日本語", "naïve 日本語"),
        ("\x1b[2J", "\\\\x1b[2J"),
        ("\u202e", "\\\\u202e"),
        ("\ud800", "\\\\ud800"),
    ],
)
def test_labels_are_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.lists(st.text(max_size=12), max_size=8, unique=True))
def test_names_of_any_kind_make_a_file_that_can_be_read(names: list[str]) -> None:
    found = samples([row(name) for name in names])
    completed = [int(value) for subject, value in found.items() if "tasks_completed" in subject]
    assert sum(completed) == len(names)


def test_beyond_two_hundred_names_the_rest_is_other() -> None:
    figures = [row(f"app.t{number}", 1000 - number) for number in range(MOST_LABELS + 50)]
    found = {
        subject: int(value) for subject, value in samples(figures).items() if "tasks_completed{" in subject
    }
    assert len(found) == MOST_LABELS + 1
    assert found['django_task_worker_tasks_completed{task="other"}'] == sum(
        1000 - number for number in range(MOST_LABELS, MOST_LABELS + 50)
    )


def test_a_task_that_is_called_other_is_added_to_the_rest() -> None:
    figures = [row("other", 5), *(row(f"app.t{number}") for number in range(MOST_LABELS + 1))]
    assert samples(figures)['django_task_worker_tasks_completed{task="other"}'] == "7"


def test_figures_that_are_added_up_are_unknown_as_soon_as_one_is() -> None:
    total = row("a", 2).with_all([row("b", 3, pending=None), row("c", 4, enqueued=7)], "all")
    assert (total.summary.key, total.summary.completed, total.summary.run.count) == ("all", 9, 9)
    assert (total.enqueued, total.pending, total.running) == (9, None, 3)
