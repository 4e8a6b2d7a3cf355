"""The log of a worker: one record, one line, nothing a terminal would obey."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker import logs
from taskctl.commands import worker


class Log:
    """What is written to stderr inside `with`, with the loggers as in a fresh process."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        self.stream = io.StringIO()
        self.stream.isatty = lambda: is_terminal  # type: ignore[method-assign]

    def __enter__(self) -> Log:
        ours, root = logging.getLogger(logs.LOGGER), logging.root
        self._before = sys.stderr, ours.handlers, ours.level, ours.propagate, root.handlers
        sys.stderr, ours.handlers, root.handlers = self.stream, [], []
        return self

    def __exit__(self, *_: object) -> None:
        ours, root = logging.getLogger(logs.LOGGER), logging.root
        sys.stderr, ours.handlers, level, ours.propagate, root.handlers = self._before
        ours.setLevel(level)

    @property
    def text(self) -> str:
        return self.stream.getvalue()


def fail() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError:
        logging.getLogger("django_task_worker.worker").exception("turn %s", "x\x1b[2J")


def test_text_in_a_pipe_has_the_time_in_utc() -> None:
    with Log() as log:
        logs.configure("auto", "info")
        logging.getLogger("django_task_worker.worker").info("ready name=%s", "w\x1b[2J\n1")
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    ready name=w\ufffd\[2J␤1\n"
    assert re.fullmatch(pattern, log.text)


def test_text_on_a_terminal_has_the_time_of_day() -> None:
    with Log(is_terminal=True) as log:
        logs.configure("auto", "info", colour=True)
        logger = logging.getLogger("django_task_worker.worker")
        logger.info("hello")
        logger.warning("careful")
    first, second = log.text.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d info    hello", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \x1b\[33mwarning\x1b\[0m careful", second)


def test_an_exception_is_one_line() -> None:
    with Log() as log:
        logs.configure("text", "info")
        fail()
    (line,) = log.text.splitlines()
    assert line.isprintable()
    assert "turn x\ufffd[2J␤Traceback (most recent call last):␤" in line
    assert line.endswith("ValueError: a␤b")


def test_json_is_one_object_a_line() -> None:
    with Log() as log:
        logs.configure("json", "info")
        fail()
    record = json.loads(log.text)
    assert list(record)[:7] == ["v", "type", "ts", "level", "logger", "pid", "message"]
    assert (record["level"], record["logger"]) == ("error", "django_task_worker.worker")
    assert record["message"] == "turn x\x1b[2J"
    assert record["traceback"].endswith("ValueError: a\nb")


def test_journald_gets_the_level_and_no_time() -> None:
    with Log() as log:
        logs.configure("journald", "debug")
        logger = logging.getLogger("django_task_worker.worker")
        for level in ("debug", "info", "warning", "error", "critical"):
            getattr(logger, level)("x\ny")
    assert log.text.splitlines() == ["<7>x␤y", "<6>x␤y", "<4>x␤y", "<3>x␤y", "<2>x␤y"]


def test_the_stream_of_the_journal_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert logs.is_under_journald()
        monkeypatch.setenv("JOURNAL_STREAM", "1:2")
        assert not logs.is_under_journald()


def test_the_level_leaves_out_what_is_less() -> None:
    with Log() as log:
        logs.configure("text", "warning")
        logger = logging.getLogger("django_task_worker.worker")
        logger.info("no")
        logger.warning("yes")
    assert log.text.count("\n") == 1


def test_what_tasks_log_goes_the_same_way() -> None:
    with Log() as log:
        logs.configure("text", "info")
        logging.getLogger("app.tasks").warning("from a task\x07")
    assert log.text.endswith("warning from a task\ufffd\n")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (("7h2k", "app.tasks.add", 2, "web-1"), "hello (task 7h2k app.tasks.add, attempt 2 on web-1)"),
        (("7h2k", "evil\x1b[2J", 1, "a\nb"), "hello (task 7h2k evil\ufffd[2J, attempt 1 on a␤b)"),
        (("mine", None, None, None), "hello (task mine)"),
        ((None, None, None, None), "hello"),
    ],
)
def test_what_is_logged_inside_a_task_names_it(fields: tuple[object, ...], text: str) -> None:
    extra = dict(zip(logs.TASK_FIELDS, fields, strict=True))
    with Log() as log:
        logs.configure("text", "info")
        logging.getLogger("app.tasks").warning("hello", extra=extra)
    assert log.text.rstrip("\n").endswith(f" warning {text}")
    with Log() as log:
        logs.configure("json", "info")
        logging.getLogger("app.tasks").warning("hello", extra=extra)
    record = json.loads(log.text)
    assert record["message"] == "hello"
    assert tuple(record[field] for field in logs.TASK_FIELDS) == fields


def test_the_logging_of_the_project_is_respected() -> None:
    with Log() as log:
        mine = logging.StreamHandler(own := io.StringIO())
        logging.getLogger(logs.LOGGER).addHandler(mine)
        logs.configure("json", "info")
        logging.getLogger("django_task_worker.worker").info("hello")
    assert (own.getvalue(), log.text) == ("hello\n", "")


def test_a_command_that_speaks_for_itself_prints_no_raw_warnings() -> None:
    with Log() as log:
        logs.silence()
        logging.getLogger("django_task_worker.events").warning("Redis is not reachable")
    assert log.text == ""


def test_the_formats_and_levels_of_the_command_are_those_of_the_log() -> None:
    assert (worker.FORMATS, worker.LEVELS) == (logs.FORMATS, logs.LEVELS)


@given(st.text())
def test_every_text_is_one_printable_line(text: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (text,), None)
    for formatter in (logs.Text(is_terminal=True), logs.Journal()):
        assert formatter.format(record).isprintable()
    assert json.loads(logs.JSONLines().format(record))["message"] == text
    assert logs.JSONLines().format(record).isprintable()


def test_a_line_of_json_keeps_words_and_escapes_what_a_terminal_obeys() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "é\x7f\x9b2J\u202e", (), None)
    assert r'"é\u007f\u009b2J\u202e"' in logs.JSONLines().format(record)
