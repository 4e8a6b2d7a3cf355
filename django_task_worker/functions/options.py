"""The options of a task: what `@task` attaches to a function and what `create_task` accepts."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, overload

from django_task_worker.conf import read_backoff
from django_task_worker.exceptions import InvalidTask
from django_task_worker.functions.names import check_queue, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django_task_worker.models import DatabaseTask
    from django_task_worker.retry import Backoff

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

MAX_TIMEOUT_S = MAX_RETRIES = 2**31 - 1
MAX_UNIQUE_KEY = 255


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What a function's `@task` says; None where it says nothing. `timeout` is seconds."""

    queue: str | None = None
    priority: int | None = None
    timeout: int | None = None
    max_retries: int | None = None
    backoff: Backoff | None = None


class TaskFunction(Protocol[P, R_co]):
    """The function itself, still a plain one, with what `@task` attached to it."""

    options: TaskOptions

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> DatabaseTask: ...


NO_OPTIONS = TaskOptions()
registered: dict[str, Callable[..., Any]] = {}
"""Functions under `@task` by dotted name, as far as their modules have been imported here."""


def options_of(function: Callable[..., Any]) -> TaskOptions:
    """The options that `@task` attached; all None for a plain function."""
    options = getattr(function, "options", None)
    return options if isinstance(options, TaskOptions) else NO_OPTIONS


def validate_options(
    queue: str | None = None,
    priority: int | None = None,
    timeout: int | None = None,
    max_retries: int | None = None,
    unique_key: str | None = None,
) -> None:
    """Refuse options that cannot be stored or kept; None is always fine. Raises InvalidTask."""
    if queue is not None:
        check_queue(queue)
    _check_whole("priority", priority, -100, 100)
    _check_whole("timeout", timeout, 1, MAX_TIMEOUT_S, unit=" of seconds")
    _check_whole("max_retries", max_retries, 0, MAX_RETRIES)
    if unique_key is not None:
        _check_unique_key(unique_key)


def _check_whole(what: str, value: object, least: int, most: int, unit: str = "") -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidTask(f"{what} must be a whole number{unit} from {least} to {most}, not {quoted(value)}")


def _check_unique_key(key: object) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= MAX_UNIQUE_KEY:
        raise InvalidTask(f"unique_key must be a text of 1 to {MAX_UNIQUE_KEY} characters")
    if "\0" in key or any("\ud800" <= letter <= "\udfff" for letter in key):
        raise InvalidTask("unique_key must not hold NUL or half a character (a lone surrogate)")


@overload
def task(function: Callable[P, R_co], /) -> TaskFunction[P, R_co]: ...


@overload
def task(
    *,
    queue: str | None = None,
    priority: int | None = None,
    timeout: int | None = None,
    max_retries: int | None = None,
    backoff: Backoff | Mapping[str, float] | None = None,
) -> Callable[[Callable[P, R_co]], TaskFunction[P, R_co]]: ...


def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    queue: str | None = None,
    priority: int | None = None,
    timeout: int | None = None,
    max_retries: int | None = None,
    backoff: Backoff | Mapping[str, float] | None = None,
) -> Any:
    """Attach options to a function, as `@task` or `@task(queue="mail", timeout=30)`.

    The function stays what it is and gains `.options` and `.enqueue(*args, **kwargs)`, which stores a
    task that calls it. Raises InvalidTask, at import of the module, when an option is wrong.
    """
    validate_options(queue, priority, timeout, max_retries)
    options = TaskOptions(
        queue=queue,
        priority=priority,
        timeout=timeout,
        max_retries=max_retries,
        backoff=None if backoff is None else _backoff(backoff),
    )
    if function is not None:
        return _attach(function, options)
    return lambda function: _attach(function, options)


def _backoff(value: Backoff | Mapping[str, float]) -> Backoff:
    try:
        return read_backoff(value)
    except (TypeError, ValueError) as error:
        raise InvalidTask(f"backoff {error}") from None


def _attach(function: Callable[..., Any], options: TaskOptions) -> Callable[..., Any]:
    if not isinstance(function, FunctionType):
        raise InvalidTask(f"@task needs a function, not {quoted(function)}")
    if not function.__qualname__.isidentifier():
        raise InvalidTask(
            f"@task needs a function at the top level of a module; no worker finds {function.__qualname__}"
        )
    name = f"{function.__module__}.{function.__qualname__}"

    def enqueue(*args: Any, **kwargs: Any) -> DatabaseTask:
        from django_task_worker import create_task  # the tables may not be loaded before the apps are

        return create_task(name, list(args), kwargs)

    attached = cast("Any", function)
    attached.options = options
    attached.enqueue = enqueue
    registered[name] = function
    return function
