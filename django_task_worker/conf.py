"""The settings of this package as one frozen object, read and checked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from django_task_worker.exceptions import ConfigurationError
from django_task_worker.periods import seconds_of
from django_task_worker.retry import Backoff

DEFAULT_REDIS_URL = "redis://localhost:6379/0"
DAY_S = 86400.0
REDACT = ("password", "secret", "token", "key", "authorization", "card")


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long workers let things be that are over, in seconds; None: for ever."""

    completed_s: float | None = None
    failed_s: float | None = None
    cancelled_s: float | None = None
    logs_s: float | None = 30 * DAY_S
    statistics_s: float | None = 90 * DAY_S
    operations_s: float | None = 365 * DAY_S


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`REDIS_URL`, `REDIS_PASSWORD` and the dict `TASK_WORKER` of the Django settings."""

    redis_url: str | None = DEFAULT_REDIS_URL
    redis_password: str | None = field(default=None, repr=False)
    redis_prefix: str = ""
    allowed: tuple[str, ...] = ()
    strict: bool = False
    project_dir: Path | None = None
    max_retries: int = 0
    backoff: Backoff = field(default_factory=Backoff)
    lease_s: float = 30.0
    sweep_s: float = 10.0
    max_argument_bytes: int = 1024 * 1024
    max_result_bytes: int = 1024 * 1024
    redact: tuple[str, ...] = REDACT
    keep_logs: str = "failed"
    """Of which attempts: "failed" (whatever did not complete), "all" or "none"."""
    retention: Retention = field(default_factory=Retention)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset) or not all(
        isinstance(item, str) and item for item in value
    ):
        raise ValueError("must be a list of strings")
    return tuple(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _whole(least: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"must be a whole number of at least {least}")
        return value

    return check


def _seconds(least: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 86400:
            raise ValueError(f"must be a number of seconds from {least:g} to 86400")
        return float(value)

    return check


def _one_of(*known: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(map(repr, known))}")
        return str(value)

    return check


def _retention(value: Any) -> Retention:
    names = [each.name.removesuffix("_s") for each in fields(Retention)]
    if not isinstance(value, Mapping) or not set(value) <= set(names):
        raise ValueError(f"must be a dict with the keys {', '.join(names)}")
    periods = {}
    for name, kept in value.items():
        try:
            periods[f"{name}_s"] = None if kept is None else seconds_of(kept)
        except ValueError as error:
            raise ValueError(f"for {name!r} {error}") from None
    return Retention(**periods)


def _folder(value: Any) -> Path:
    path = Path(value)
    if not value or not path.is_dir():
        raise ValueError("must be an existing folder")
    return path.resolve()


MAX_JITTER = 10.0


def read_backoff(value: Any) -> Backoff:
    """A `Backoff` from itself or from a dict with `base`, `factor`, `cap` (seconds) and `jitter`.

    Raises ValueError with the reason.
    """
    if isinstance(value, Backoff):
        return value
    names = {"base": "base_s", "factor": "factor", "cap": "cap_s", "jitter": "jitter"}
    if not isinstance(value, Mapping) or not set(value) <= set(names):
        raise ValueError("must be a dict with the keys base, factor, cap, jitter")
    numbers = {names[name]: number for name, number in value.items()}
    if not all(
        isinstance(n, int | float) and not isinstance(n, bool) and 0 <= n < 1e9 for n in numbers.values()
    ):
        raise ValueError("must hold numbers that are not negative")
    if numbers.get("jitter", 0) > MAX_JITTER:
        raise ValueError(f"must hold a jitter of at most {MAX_JITTER:g}")
    return Backoff(**{name: float(number) for name, number in numbers.items()})


# key in TASK_WORKER: (field of Settings, check that returns the value or raises ValueError)
TABLE: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "ALLOWED": ("allowed", _names),
    "STRICT": ("strict", _boolean),
    "PROJECT_DIR": ("project_dir", _folder),
    "MAX_RETRIES": ("max_retries", _whole(0)),
    "BACKOFF": ("backoff", read_backoff),
    "LEASE": ("lease_s", _seconds(0.5)),
    "SWEEP": ("sweep_s", _seconds(0.1)),
    "REDIS_PREFIX": ("redis_prefix", _text),
    "MAX_ARGUMENT_BYTES": ("max_argument_bytes", _whole(1)),
    "MAX_RESULT_BYTES": ("max_result_bytes", _whole(1)),
    "REDACT": ("redact", _names),
    "RETENTION": ("retention", _retention),
    "KEEP_LOGS": ("keep_logs", _one_of("failed", "all", "none")),
}


def read(table: Mapping[str, Any], redis_url: Any, redis_password: Any) -> Settings:
    """The checked settings. Raises ConfigurationError that names the setting and what it must be."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in TABLE:
            raise ConfigurationError(f"TASK_WORKER[{key!r}] is not a setting; there are {', '.join(TABLE)}")
        name, check = TABLE[key]
        try:
            values[name] = check(value)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"TASK_WORKER[{key!r}] {error}") from None
    if redis_url is not None and not isinstance(redis_url, str):
        raise ConfigurationError("REDIS_URL must be a string, or None to run without Redis")
    return Settings(redis_url=redis_url or None, redis_password=redis_password or None, **values)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of the running project. Raises ConfigurationError."""
    table = getattr(django_settings, "TASK_WORKER", {})
    if not isinstance(table, Mapping):
        raise ConfigurationError("TASK_WORKER must be a dict")
    return read(
        table,
        getattr(django_settings, "REDIS_URL", DEFAULT_REDIS_URL),
        getattr(django_settings, "REDIS_PASSWORD", None),
    )


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("TASK_WORKER", "REDIS_URL", "REDIS_PASSWORD"):
        settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_task_worker.conf")
assert {name for name, _ in TABLE.values()} <= {f.name for f in fields(Settings)}
