"""The system checks: what cannot work is said with the way out, and what works makes no noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import CheckMessage, Error, run_checks
from django.db import connections

from django_task_worker import checks
from django_task_worker.functions.options import registered

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def ids(messages: Iterable[CheckMessage]) -> list[str | None]:
    messages = [message for message in messages if str(message.id).startswith("django_task_worker.")]
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_a_sound_project_gets_no_message() -> None:
    assert ids(run_checks(tags=["task_worker"])) == []


def test_the_checks_run_with_manage_py_check(settings: Any) -> None:
    settings.USE_TZ = False
    assert ids(run_checks(tags=["task_worker"])) == ["django_task_worker.E002"]


@pytest.mark.parametrize("value", [{"MAX_RETRIES": -1}, {"UNKNOWN": 1}, None, [], "x", 3])
def test_a_wrong_setting_is_an_error_and_not_a_crash(settings: Any, value: Any) -> None:
    settings.TASK_WORKER = value
    messages = checks.check_settings()
    assert ids(messages) == ["django_task_worker.E001"]
    assert isinstance(messages[0], Error)
    assert "TASK_WORKER" in messages[0].msg


def test_two_problems_are_told_together(settings: Any) -> None:
    settings.TASK_WORKER = {"STRICT": 1}
    settings.USE_TZ = False
    assert ids(checks.check_settings()) == ["django_task_worker.E002", "django_task_worker.E001"]


@pytest.mark.parametrize(
    "url",
    [None, "", "redis://localhost:6379/0", "rediss://user:secret@[::1]:6380", "unix:///run/redis.sock?db=1"],
)
def test_addresses_that_redis_py_takes_are_fine(settings: Any, url: str | None) -> None:
    settings.REDIS_URL = url
    assert ids(checks.check_settings()) == []


@pytest.mark.parametrize(
    "url", ["http://:secret@host", "localhost:6379", "redis:secret", "redis://:secret@h:x"]
)
def test_another_address_is_an_error_that_does_not_show_it(settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    messages = checks.check_settings()
    assert ids(messages) == ["django_task_worker.E003"]
    assert "secret" not in str(messages)


def test_strict_with_nothing_allowed_is_a_warning(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "registered", {})
    settings.TASK_WORKER = {"STRICT": True}
    assert ids(checks.check_settings()) == ["django_task_worker.W001"]
    settings.TASK_WORKER = {"STRICT": True, "ALLOWED": ["app.tasks"]}
    assert ids(checks.check_settings()) == []
    monkeypatch.setattr(checks, "registered", {**registered, "app.tasks.add": print})
    settings.TASK_WORKER = {"STRICT": True}
    assert ids(checks.check_settings()) == []


def test_allowing_modules_of_python_is_a_warning_that_names_them(settings: Any) -> None:
    settings.TASK_WORKER = {"ALLOWED": ["app", "os", "subprocess.call", "osprey"]}
    messages = checks.check_settings()
    assert ids(messages) == ["django_task_worker.W002"]
    assert messages[0].msg.endswith(": os, subprocess.call")


def test_a_wildcard_in_allowed_is_a_warning_because_it_matches_nothing(settings: Any) -> None:
    settings.TASK_WORKER = {"ALLOWED": ["app.tasks", "app.*", "app/"]}
    messages = checks.check_settings()
    assert ids(messages) == ["django_task_worker.W004"]
    assert messages[0].msg.endswith(": 'app.*', 'app/'")


def test_a_project_folder_that_python_does_not_search_is_a_warning(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASK_WORKER = {"PROJECT_DIR": tmp_path}
    assert ids(checks.check_settings()) == ["django_task_worker.W005"]
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "link")
    assert ids(checks.check_settings()) == []


class TestDatabases:
    @pytest.fixture
    def alias(self) -> str:
        return next(iter(connections))

    def test_a_database_that_is_not_asked_for_is_not_touched(self) -> None:
        assert checks.check_databases() == []
        assert checks.check_databases(databases=[]) == []

    def test_mariadb_without_skip_locked_is_a_warning(
        self, alias: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = connections[alias]
        monkeypatch.setattr(connection, "vendor", "mysql")
        monkeypatch.setattr(connection.features, "has_select_for_update_skip_locked", True, raising=False)
        assert checks.check_databases(databases=[alias]) == []
        monkeypatch.setattr(connection.features, "has_select_for_update_skip_locked", False)
        assert ids(checks.check_databases(databases=[alias])) == ["django_task_worker.W003"]

    def test_real_databases_get_no_message(self, using: str) -> None:
        assert checks.check_databases(databases=[using]) == []
