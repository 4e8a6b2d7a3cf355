"""From a dotted name to the function: which names run is decided before anything is imported."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.signals import setting_changed

from django_task_worker.conf import settings
from django_task_worker.exceptions import InvalidTask, TaskNotAllowed, UnknownTask
from django_task_worker.functions import calls, places, sources
from django_task_worker.functions.names import MAX_NAME, check_name, odd_letter, quoted
from django_task_worker.functions.options import registered

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_cache: dict[str, Callable[..., Any]] = {}


def resolve(name: str) -> Callable[..., Any]:
    """The function that a task of this name calls; its module is imported if need be.

    Raises TaskNotAllowed for a name that may not run here and UnknownTask for a module or function that
    is not there, in both cases before any import that the name alone could cause. What an allowed module
    raises while it is imported is raised as it is.
    """
    function = _cache.get(name) if isinstance(name, str) else None
    if function is None:
        function = _cache[name] = _load(name)
    return function


def _load(name: str) -> Callable[..., Any]:
    if isinstance(name, str) and len(name) <= MAX_NAME and name.isascii() and name.isidentifier():
        raise _unknown(name, f"the module is missing, as in 'app.tasks.{name}'")
    check_name(name)
    module, _, attribute = name.rpartition(".")
    _check_allowed(name, module)
    _check_exists(name, module)
    return _pick(name, _import(module), attribute)


def _import(module: str) -> ModuleType:
    try:
        return import_module(module)
    except BaseException as error:
        raise error.with_traceback(_after_importlib(error.__traceback__))  # noqa: B904  it is the same error


def _after_importlib(frames: TracebackType | None) -> TracebackType | None:
    """The frames of the module that failed, as an import statement would leave them."""
    frames = frames and frames.tb_next
    while frames is not None and "importlib" in frames.tb_frame.f_globals.get("__name__", ""):
        frames = frames.tb_next
    return frames


def is_permitted(name: str) -> bool:
    """Whether the rules let a function of this name run, if it is there. Imports nothing."""
    try:
        check_name(name)
        _check_allowed(name, name.rpartition(".")[0])
    except InvalidTask:
        return False
    return True


def _check_allowed(name: str, module: str) -> None:
    """The rules (a) to (d); raises TaskNotAllowed, or UnknownTask where there is nothing to judge."""
    if name in registered or any(_is_under(name, prefix) for prefix in settings().allowed):
        return
    if settings().strict:
        raise TaskNotAllowed(
            f'{quoted(name)} may not run as a task: TASK_WORKER["STRICT"] lets only names under '
            'TASK_WORKER["ALLOWED"] and functions under @task that are loaded run'
        )
    if _is_of_installed_app(module):
        return
    _check_in_project(name, module)


def _is_under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def _is_of_installed_app(module: str) -> bool:
    if not apps.apps_ready:
        return False
    return any(_is_under(module, f"{app.name}.tasks") for app in apps.get_app_configs())


def _check_in_project(name: str, module: str) -> None:
    settings_module = places.settings_module()
    if module in ("manage", settings_module):
        raise TaskNotAllowed(f"{quoted(name)} may not run as a task: {module} is not a module for tasks")
    for part in _with_parents(module):
        place = places.locate(part)
        if place is None:
            raise _missing(name, part)
        if place.file is None and place.is_package:
            continue
        if not places.is_in_project(place):
            raise TaskNotAllowed(f"{quoted(name)} may not run as a task: {_why_outside(part)}")
        if part != module and not place.is_package:
            raise _walk(name, part)


def _check_exists(name: str, module: str) -> None:
    for part in _with_parents(module):
        place = places.locate(part)
        if place is None:
            raise _missing(name, part)
        if part != module and not place.is_package:
            raise _walk(name, part)


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _why_outside(module: str) -> str:
    top = module.partition(".")[0]
    if places.is_of_python(top):
        return f"{top} is a module of Python itself"
    return f'{module} is not part of this project; if it should run, add it to TASK_WORKER["ALLOWED"]'


def _walk(name: str, module: str) -> TaskNotAllowed:
    return TaskNotAllowed(
        f"{quoted(name)} may not run as a task: {module} is a module, a task a function directly in one"
    )


def _missing(name: str, module: str) -> InvalidTask:
    odd = odd_letter(module)
    if odd is not None:
        return TaskNotAllowed(f"{quoted(name)} may not run as a task: it holds the letter {odd}")
    return _unknown(name, f"there is no module {module!r} here")


def _unknown(name: str, reason: str, module_file: str | None = None) -> UnknownTask:
    similar = sources.similar(name, module_file)
    error = UnknownTask(f"no task named {quoted(name)}", suggestions=similar)
    error.add_note(reason)
    return error


def _pick(name: str, module: ModuleType, attribute: str) -> Callable[..., Any]:
    if attribute not in vars(module):
        odd = odd_letter(attribute)
        if odd is not None:
            raise TaskNotAllowed(f"{quoted(name)} may not run as a task: it holds the letter {odd}")
        reason = f"the module {module.__name__!r} has no function {attribute!r}"
        raise _unknown(name, reason, getattr(module, "__file__", None))
    value = vars(module)[attribute]
    problem = why_not_a_task(value, module.__name__, attribute)
    if problem is not None:
        raise TaskNotAllowed(f"{quoted(name)} may not run as a task: it is {problem}")
    function: Callable[..., Any] = value
    return function


def why_not_a_task(value: object, module: str, attribute: str) -> str | None:
    """What is wrong with this attribute of a module as a task's function; None when it will do."""
    if isinstance(value, type):
        return "a class"
    if isinstance(value, ModuleType):
        return "a module"
    if not isinstance(value, FunctionType):
        return f"not a plain function but a {type(value).__qualname__}"
    if value.__module__ != module:
        return f"defined in {value.__module__} (a decorator should use functools.wraps)"
    if value.__name__ != attribute:
        return f"another name of {value.__name__} (a decorator should use functools.wraps)"
    if inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value):
        return "a generator, and calling one runs nothing; return a list instead"
    return None


def forget(**_: Any) -> None:
    """Decide about every name afresh, as after a change of settings."""
    _cache.clear()
    places.forget()
    calls.forget()
    sources.forget()


setting_changed.connect(forget, dispatch_uid="django_task_worker.functions")
