"""Run one task: resolve its function, call it, turn what comes back into a report. User code runs here."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any

from asgiref.sync import sync_to_async

from django_task_worker.cleaning import clean
from django_task_worker.conf import settings
from django_task_worker.exceptions import (
    ResultNotSerialisable,
    ResultTooLarge,
    TaskNotAllowed,
    TaskWorkerError,
    UnknownTask,
)
from django_task_worker.functions import resolve
from django_task_worker.signals import attempt_failed
from django_task_worker.states import Kind
from django_task_worker.worker.messages import Assignment, Report
from django_task_worker.worker.text import (
    MAX_ERROR_BYTES,
    MAX_TRACEBACK_BYTES,
    shortened,
    size_of,
    storable,
)
from django_task_worker.worker.tidying import tidy_connections

logger = logging.getLogger("django_task_worker.worker")


def run(task: Assignment) -> Report:
    """Call the task's function. Never raises: whatever user code raises is its outcome."""
    started = time.monotonic()
    try:
        function = resolve(task.name)
    except UnknownTask as error:
        return _failure(task.id, Kind.MISSING, error, started)
    except TaskNotAllowed as error:
        return _failure(task.id, Kind.REFUSED, error, started)
    except BaseException as error:
        return _raised(task, error, started)
    try:
        value = function(*task.args, **task.kwargs)
        if isinstance(value, CoroutineType):
            value = asyncio.run(_tidied(value))
    except BaseException as error:
        return _raised(task, error, started)
    duration_s = time.monotonic() - started
    try:
        result, result_json = encode(value)
    except TaskWorkerError as error:
        return _failure(task.id, Kind.REFUSED, error, started)
    return Report(
        id=task.id, kind=Kind.COMPLETED, duration_s=duration_s, result=result, result_json=result_json
    )


_PLAIN: dict[type, Callable[[Any], str]] = {int: repr, bool: lambda value: "true" if value else "false"}
"""How the commonest results are written; the encoder takes a microsecond for them."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def encode(value: Any) -> tuple[str, str | None]:
    """The result as text, and as JSON where it is JSON.

    Raises ResultNotSerialisable when it has no text form, ResultTooLarge beyond the limit.
    """
    try:
        text = value if isinstance(value, str) else str(value)
        text = storable(text)
    except BaseException as error:
        raise ResultNotSerialisable(
            f"the result is a {type(value).__name__} whose text form fails: {type(error).__name__}"
        ) from None
    as_json = None if value is None else _json(value)
    limit = settings().max_result_bytes
    size = max(size_of(text), size_of(as_json or ""))
    if size > limit:
        raise ResultTooLarge(
            f"the result takes {size:,} bytes, the limit is {limit:,}: store it and return where it is"
        )
    return text, as_json


def _json(value: Any) -> str | None:
    if type(value) in _PLAIN:
        return _PLAIN[type(value)](value)
    try:
        text = _ENCODER.encode(value)
        size_of(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return None if "\\u0000" in text else text


async def _tidied(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Its asynchronous queries run in a thread of their own, which has connections of its own."""
    tidy = sync_to_async(tidy_connections)
    await tidy()
    try:
        return await coroutine
    finally:
        await tidy()


def _raised(task: Assignment, error: BaseException, started: float) -> Report:
    """The report of a failure, of which receivers have been told."""
    report = _failure(task.id, Kind.FAILED, error, started)
    try:
        told = attempt_failed.send_robust(None, task_id=task.id, name=task.name, exception=error)
        for _, answer in told:
            if isinstance(answer, Exception):
                logger.error("a receiver of attempt_failed has failed: %s", clean(_message(answer)))
    except BaseException as second:  # a receiver may call sys.exit
        logger.error("a receiver of attempt_failed has ended by %s", type_name(second))
    return report


def _failure(task_id: str, kind: Kind, error: BaseException, started: float) -> Report:
    return Report(
        id=task_id,
        kind=kind,
        duration_s=time.monotonic() - started,
        error_type=type_name(error),
        error=shortened(_message(error), MAX_ERROR_BYTES),
        traceback=shortened(_traceback(error), MAX_TRACEBACK_BYTES) if kind is Kind.FAILED else None,
    )


def type_name(error: BaseException) -> str:
    """The dotted name of an exception's class; the bare name for Python's own and for ours."""
    kind = type(error)
    if kind.__module__ in ("builtins", TaskWorkerError.__module__):
        return kind.__qualname__[:255]
    return storable(f"{kind.__module__}.{kind.__qualname__}")[:255]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as second:
        return f"<its text form fails: {type(second).__name__}>"


def _traceback(error: BaseException) -> str:
    """The traceback from the function on, without this module's own frames."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    try:
        return "".join(traceback.format_exception(type(error), error, frames, limit=-100))
    except BaseException as second:
        return f"<the traceback cannot be shown: {type(second).__name__}>"
