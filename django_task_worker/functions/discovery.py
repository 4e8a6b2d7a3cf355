"""The tasks that the project offers, with signatures and options: for lists and completion."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from django_task_worker.exceptions import InvalidTask
from django_task_worker.functions.calls import describe, signature_of
from django_task_worker.functions.options import TaskOptions, options_of, registered
from django_task_worker.functions.resolver import is_permitted, resolve
from django_task_worker.functions.sources import offered_names, parameters_in, task_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


@dataclass(frozen=True, kw_only=True)
class TaskInfo:
    """One function that can be a task: its signature as text and the first line of its docstring."""

    name: str
    signature: str
    doc: str
    options: TaskOptions


def discover(
    pattern: str = "*", on_error: Callable[[str, Exception], None] | None = None
) -> Iterator[TaskInfo]:
    """The offered functions that match a glob, by name: those under `@task`, those in `<app>.tasks`, and
    those in `*tasks.py` of the project folder.

    Imports only modules that may run and hold a match. `on_error(module, error)` hears of modules that
    cannot be imported; without it they are left out.
    """
    broken: set[str] = set()
    for name in sorted(offered_names()):
        module = name.rpartition(".")[0]
        if module in broken or not fnmatchcase(name, pattern) or not is_permitted(name):
            continue
        try:
            function = resolve(name)
        except InvalidTask:
            continue
        except Exception as error:
            broken.add(module)
            if on_error is not None:
                on_error(module, error)
            continue
        yield _describe(name, function)


def outline() -> dict[str, str]:
    """The names that `discover` would find, each with its parameters; empty where they cannot be told.

    Read from the source files as far as nothing is loaded: imports no task module.
    """
    files = dict(task_modules())
    by_module: dict[str, list[str]] = {}
    for name in offered_names():
        if is_permitted(name):
            by_module.setdefault(name.rpartition(".")[0], []).append(name)
    found = {}
    for module, names in by_module.items():
        written = parameters_in(files[module]) if module in files else {}
        for name in names:
            function = name.rpartition(".")[2]
            if name in registered:
                found[name] = _parameters(registered[name])
            elif written is None or function in written:
                found[name] = (written or {}).get(function, "")
    return found


def _parameters(function: Callable[..., Any]) -> str:
    signature = signature_of(function)
    return "(...)" if signature is None else describe(signature)


def _describe(name: str, function: Callable[..., Any]) -> TaskInfo:
    return TaskInfo(
        name=name,
        signature=_parameters(function),
        doc=(function.__doc__ or "").strip().partition("\n")[0],
        options=options_of(function),
    )
