"""The settings: read once, checked, frozen."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from django_task_worker import conf
from django_task_worker.conf import Settings, read, read_backoff
from django_task_worker.exceptions import ConfigurationError
from django_task_worker.retry import Backoff

if TYPE_CHECKING:
    from pathlib import Path


def read_table(**table: Any) -> Settings:
    return read(table, "redis://localhost", None)


def test_without_any_setting_the_documented_defaults_hold(settings: Any) -> None:
    for name in ("TASK_WORKER", "REDIS_URL", "REDIS_PASSWORD"):
        if hasattr(settings, name):
            delattr(settings, name)
    conf.settings.cache_clear()
    found = conf.settings()
    assert found == Settings()
    assert found.redis_url == "redis://localhost:6379/0"
    assert found.max_retries == 0
    assert found.lease_s == 30
    assert found.max_argument_bytes == found.max_result_bytes == 1024 * 1024


@pytest.mark.parametrize("url", [None, ""])
def test_no_redis_url_means_no_redis(url: str | None) -> None:
    assert read({}, url, None).redis_url is None


def test_a_change_of_settings_is_seen(settings: Any) -> None:
    settings.TASK_WORKER = {"MAX_RETRIES": 7}
    assert conf.settings().max_retries == 7
    settings.TASK_WORKER = {}
    assert conf.settings().max_retries == 0
    settings.REDIS_URL = "redis://elsewhere"
    assert conf.settings().redis_url == "redis://elsewhere"


def test_the_settings_are_read_once_and_frozen() -> None:
    assert conf.settings() is conf.settings()
    with pytest.raises(FrozenInstanceError):
        conf.settings().strict = True  # type: ignore[misc]


def test_the_password_is_not_shown() -> None:
    assert "s3cret" not in repr(read({}, None, "s3cret"))


def test_each_key_of_the_table_sets_a_field_of_its_own() -> None:
    names = [name for name, _ in conf.TABLE.values()]
    assert len(set(names)) == len(names)
    assert set(names) <= {field.name for field in fields(Settings)}


def test_good_values_are_taken(tmp_path: Path) -> None:
    found = read_table(
        ALLOWED=["tasks", "shop.jobs"],
        STRICT=True,
        PROJECT_DIR=str(tmp_path),
        MAX_RETRIES=3,
        BACKOFF={"base": 1, "factor": 3, "cap": 60, "jitter": 0},
        LEASE=10,
        SWEEP=0.5,
        REDIS_PREFIX="staging:",
        MAX_ARGUMENT_BYTES=10,
        MAX_RESULT_BYTES=20,
        REDACT=("pin",),
    )
    assert found.allowed == ("tasks", "shop.jobs")
    assert found.strict
    assert found.project_dir == tmp_path.resolve()
    assert found.backoff == Backoff(base_s=1, factor=3, cap_s=60, jitter=0)
    assert (found.lease_s, found.sweep_s) == (10.0, 0.5)
    assert found.redact == ("pin",)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ALLOWED", "tasks"),
        ("ALLOWED", [3]),
        ("ALLOWED", [""]),
        ("ALLOWED", None),
        ("STRICT", "no"),
        ("STRICT", 1),
        ("PROJECT_DIR", "/does/not/exist"),
        ("PROJECT_DIR", __file__),
        ("MAX_RETRIES", -1),
        ("MAX_RETRIES", True),
        ("MAX_RETRIES", 1.5),
        ("BACKOFF", 3),
        ("BACKOFF", {"bse": 1}),
        ("BACKOFF", {"base": -1}),
        ("BACKOFF", {"cap": float("inf")}),
        ("BACKOFF", {"cap": float("nan")}),
        ("BACKOFF", {"base": "2"}),
        ("LEASE", 0),
        ("LEASE", "30"),
        ("LEASE", float("nan")),
        ("LEASE", 10**6),
        ("SWEEP", True),
        ("REDIS_PREFIX", None),
        ("MAX_ARGUMENT_BYTES", 0),
        ("MAX_RESULT_BYTES", "1"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_the_setting(key: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"TASK_WORKER\['{key}'\] "):
        read_table(**{key: value})


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"'MAX_RETRY'\] is not a setting; there are .*MAX_RETRIES"):
        read_table(MAX_RETRY=3)


def test_redis_url_must_be_a_text() -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL must be a string"):
        read({}, 6379, None)


def test_a_backoff_may_come_as_itself_or_in_parts() -> None:
    assert read_backoff(Backoff(base_s=9)) == Backoff(base_s=9)
    assert read_backoff({}) == Backoff()
    assert read_backoff({"cap": 5}) == Backoff(cap_s=5)


def test_a_backoff_of_a_row_cannot_be_endless() -> None:
    with pytest.raises(ValueError, match="jitter"):
        read_backoff({"base": 9e8, "cap": 9e8, "jitter": 9e8})
    longest = read_backoff({"base": 9e8, "cap": 9e8, "jitter": 10, "factor": 10**8})
    timedelta(seconds=longest.delay_s(10**7, 1.0))
