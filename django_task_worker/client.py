"""The verbs for application code: store a task, wait for it, cancel it, start it over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from inspect import signature
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from django_task_worker import arguments, functions, lifecycle
from django_task_worker.conf import settings
from django_task_worker.events.waiter import Waiter, hang_up
from django_task_worker.exceptions import InvalidTask
from django_task_worker.lifecycle import Draft
from django_task_worker.lifecycle.claim import BACKOFF_KEY
from django_task_worker.models import DEFAULT_TIMEOUT_S, DatabaseTask


class _Default(int):
    """A default that can be told from the same number given by the caller."""


DEFAULT_TIMEOUT: Final = _Default(DEFAULT_TIMEOUT_S)
_NO_OPTIONS: Final = functions.TaskOptions()


def create_task(
    name: str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    timeout: int | None = DEFAULT_TIMEOUT,
    *,
    queue: str | None = None,
    priority: int | None = None,
    run_after: datetime | timedelta | None = None,
    max_retries: int | None = None,
    unique_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    check: bool = True,
    using: str | None = None,
) -> DatabaseTask:
    """Store a task that calls `module.function`; workers learn of it when the transaction commits.

    `args` and `kwargs` must be JSON. `timeout` is whole seconds. Larger `priority` goes first (-100 to 100).
    `run_after` is an aware time, or how long to wait. An option that is not given comes from the function's
    `@task`, then from the defaults: 300 s, queue "default", priority 0, due now, and the `--retry` of the
    worker. While an unfinished task has the same `unique_key`, that one is returned instead, with
    `already_existed` true. With `check=False` neither the name nor the arguments are held against the code
    here: the worker decides.

    Raises InvalidTask (a ValueError) before anything is written; its subclasses TaskNotAllowed, UnknownTask,
    SignatureMismatch and InvalidArguments tell what is wrong.
    """
    draft = _draft(
        name,
        args,
        kwargs,
        timeout,
        queue=queue,
        priority=priority,
        run_after=run_after,
        max_retries=max_retries,
        unique_key=unique_key,
        metadata=metadata,
        check=check,
    )
    return lifecycle.enqueue(draft, lifecycle.alias(using))


def create_tasks(
    items: Sequence[Mapping[str, Any]], batch_size: int = 500, *, using: str | None = None
) -> list[DatabaseTask]:
    """Store many tasks: each item holds the arguments of `create_task`, without `unique_key` and `using`.

    All or none are stored, with one INSERT for each `batch_size` tasks. Raises InvalidTask that names the
    first bad item, before anything is written.
    """
    if batch_size < 1:
        raise InvalidTask("batch_size must be at least 1")
    drafts = []
    for position, item in enumerate(items):
        try:
            drafts.append(_draft_item(item))
        except InvalidTask as error:
            error.args = (f"item {position}: {error}", *error.args[1:])
            raise
    return lifecycle.enqueue_many(drafts, batch_size, lifecycle.alias(using)) if drafts else []


def _draft_item(item: Mapping[str, Any]) -> Draft:
    if not isinstance(item, Mapping) or "name" not in item:
        raise InvalidTask("it must be a mapping with a name at least")
    if "unique_key" in item:
        raise InvalidTask("unique_key works with create_task only")
    unknown = [key for key in item if key not in _ITEM_KEYS]
    if unknown:
        raise InvalidTask(f"it cannot have {unknown[0]!r}, only {', '.join(_ITEM_KEYS)}")
    return _draft(**item)


def _draft(
    name: str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    timeout: int | None = DEFAULT_TIMEOUT,
    *,
    queue: str | None = None,
    priority: int | None = None,
    run_after: datetime | timedelta | None = None,
    max_retries: int | None = None,
    unique_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    check: bool = True,
) -> Draft:
    functions.check_name(name)
    functions.validate_options(queue, priority, timeout, max_retries, unique_key)
    texts = arguments.check(args, kwargs, settings().max_argument_bytes)
    args, kwargs = list(args or ()), dict(kwargs or {})
    options = _NO_OPTIONS
    if check:
        function = functions.resolve(name)
        functions.check_call(function, args, kwargs, name)
        options = functions.options_of(function)
    if timeout is DEFAULT_TIMEOUT or timeout is None:
        timeout = options.timeout or DEFAULT_TIMEOUT_S
    return Draft(
        name=name,
        args=args,
        kwargs=kwargs,
        args_text=texts[0],
        kwargs_text=texts[1],
        timeout=int(timeout),
        queue=queue or options.queue or "default",
        priority=_first(priority, options.priority, 0),
        max_retries=_first(max_retries, options.max_retries, None),
        unique_key=unique_key,
        metadata=_metadata(metadata, options),
        run_after=None if run_after is None else _due(run_after),
    )


_ITEM_KEYS: Final = [key for key in signature(_draft).parameters if key != "unique_key"]


def _first(given: int | None, option: int | None, default: Any) -> Any:
    if given is not None:
        return given
    return default if option is None else option


def _metadata(given: Mapping[str, Any] | None, options: functions.TaskOptions) -> dict[str, Any] | None:
    if given is None and options.backoff is None:
        return None
    metadata = dict(given or {})
    arguments.check([], {"metadata": metadata}, settings().max_argument_bytes)
    if any(key.startswith("_") for key in metadata):
        raise InvalidTask("metadata keys that begin with '_' are reserved")
    if options.backoff is not None:
        backoff = options.backoff
        metadata[BACKOFF_KEY] = {
            "base": backoff.base_s,
            "factor": backoff.factor,
            "cap": backoff.cap_s,
            "jitter": backoff.jitter,
        }
    return metadata


def _due(run_after: object) -> datetime | timedelta:
    if isinstance(run_after, timedelta):
        return run_after
    if not isinstance(run_after, datetime) or timezone.is_naive(run_after):
        raise InvalidTask("run_after must be a timedelta, or a datetime with a time zone")
    return run_after


def wait_for_completion(
    task_id: str, timeout: float = 300, *, using: str | None = None
) -> DatabaseTask | None:
    """The task once it is final: completed, failed for good or cancelled. None after `timeout` seconds.

    Raises DatabaseTask.DoesNotExist when there is no such task, or when it is deleted meanwhile.
    """
    look = partial(_stored, task_id, lifecycle.alias(using))
    return _wait(task_id, time.monotonic() + timeout, look, is_given_up=lambda: False)


def _wait(
    task_id: str, deadline: float, look: Callable[[], DatabaseTask], is_given_up: Callable[[], bool]
) -> DatabaseTask | None:
    with Waiter(task_id) as waiter:
        while not is_given_up():
            task = look()
            if task.is_final:
                return task
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            waiter.wait(left_s)
    return None


_TASK = "SELECT {columns} FROM {table} WHERE id = %s".format(
    columns=", ".join(str(field.column) for field in DatabaseTask._meta.concrete_fields),
    table=DatabaseTask._meta.db_table,
)


def _stored(task_id: str, using: str) -> DatabaseTask:
    """`get`, whose query takes longer to build than to answer."""
    for task in DatabaseTask.objects.using(using).raw(_TASK, [str(task_id)]):
        return task
    raise DatabaseTask.DoesNotExist("DatabaseTask matching query does not exist.")


def cancel(task_id: str, *, using: str | None = None) -> bool:
    """Cancel a waiting task at once; ask the worker of a running one to stop it. False if it has ended."""
    done = lifecycle.cancel([task_id], using=using)
    return bool(done.cancelled or done.requested)


def requeue(task_id: str, force: bool = False, *, using: str | None = None) -> bool:
    """Start a failed or cancelled task over, with `force` a completed one too. False if it is neither."""
    return bool(lifecycle.requeue([task_id], force=force, using=using))


async def acreate_task(name: str, args: Sequence[Any] | None = None, **options: Any) -> DatabaseTask:
    """`create_task` for async code; same arguments, result and errors."""
    return await sync_to_async(partial(create_task, name, args, **options))()


async def await_for_completion(
    task_id: str, timeout: float = 300, *, using: str | None = None
) -> DatabaseTask | None:
    """`wait_for_completion` for async code.

    Each waits in a thread of its own, which ends when this is cancelled. However many wait, they have at most
    eight connections to the database at a time.
    """
    deadline = time.monotonic() + timeout
    look = partial(_stored_briefly, task_id, lifecycle.alias(using))
    given_up = threading.Event()

    def wait() -> DatabaseTask | None:
        try:
            return _wait(task_id, deadline, look, given_up.is_set)
        finally:
            hang_up()

    executor = ThreadPoolExecutor(1, "await_for_completion")
    try:
        return await sync_to_async(wait, thread_sensitive=False, executor=executor)()
    finally:
        given_up.set()
        executor.shutdown(wait=False)


_brief_looks = threading.BoundedSemaphore(8)


def _stored_briefly(task_id: str, using: str) -> DatabaseTask:
    with _brief_looks:
        try:
            return _stored(task_id, using)
        finally:
            connections[using].close()
