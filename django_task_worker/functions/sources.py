"""The names of the tasks that the project offers, read from source files: nothing is imported."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from django.apps import apps

from django_task_worker.conf import settings
from django_task_worker.exceptions import ConfigurationError
from django_task_worker.functions import places
from django_task_worker.functions.options import registered

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FOLDERS = 2000
MAX_DEPTH = 8
MAX_AGE_S = 10.0
MAX_SOURCE_BYTES = 1024 * 1024
_SKIPPED = frozenset({"site-packages", "dist-packages", "node_modules", "migrations", "tests", "__pycache__"})
_FUNCTION = re.compile(r"^(?:async[ \t]+)?def[ \t]+([^\W\d_]\w*)[ \t]*\(", re.MULTILINE)


def similar(name: str, module_file: str | None = None) -> tuple[str, ...]:
    """Up to three names that look like this one, nearest first: offered ones, and those in the source of
    its module when that is known. Imports no task module."""
    from difflib import get_close_matches  # only wrong names pay for it

    module, _, function = name.rpartition(".")
    offered = offered_names()
    if module_file is not None:
        offered.update(f"{module}.{known}" for known in functions_in(module_file))
    same_function = sorted(known for known in offered if known.endswith(f".{function}"))
    close = get_close_matches(name, sorted(offered), n=3, cutoff=0.6)
    return tuple(dict.fromkeys([*close, *same_function]))[:3]


def offered_names() -> set[str]:
    """The dotted names of the functions in the modules that `discover` looks at, read from their source."""
    names = {name for name in registered if not name.startswith("__main__.")}
    if not settings().strict:
        for module, file in task_modules():
            names.update(f"{module}.{function}" for function in functions_in(file))
    return names


def parameters_in(file: str) -> dict[str, str] | None:
    """The functions at the top level with their parameters as they are written: `(a: int, b=1)`.

    None when the file cannot be parsed, as while it is being edited.
    """
    import ast  # only whoever asks pays for it
    import warnings

    try:
        with open(file, encoding="utf-8", errors="replace") as source, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes are not our business
            tree = ast.parse(source.read(MAX_SOURCE_BYTES))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return {
        node.name: f"({ast.unparse(node.args)})"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def task_modules() -> Iterator[tuple[str, str]]:
    """(module, file) of the `<app>.tasks` modules and of `*tasks.py` in the project folder."""
    seen = set()
    for module, file in [*_of_apps(), *_of_project(int(monotonic() / MAX_AGE_S))]:
        if module not in seen:
            seen.add(module)
            yield module, file


def _of_apps() -> Iterator[tuple[str, str]]:
    if not apps.apps_ready:
        return
    for app in apps.get_app_configs():
        place = places.locate(f"{app.name}.tasks")
        if place is not None and place.file is not None:
            yield place.module, place.file


@lru_cache(maxsize=1)
def _of_project(_period: int) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(_below(os.fspath(places.project_folder())))
    except ConfigurationError:
        return ()


def _below(project: str) -> Iterator[tuple[str, str]]:
    for count, (folder, folders, files) in enumerate(os.walk(project)):
        parts = os.path.relpath(folder, project).split(os.sep) if folder != project else []
        folders[:] = sorted(f for f in folders if _is_searched(os.path.join(folder, f), f, len(parts)))
        if count >= MAX_FOLDERS:
            return
        in_tasks = bool(parts) and parts[-1] == "tasks"
        for file in sorted(files):
            stem, extension = os.path.splitext(file)
            if extension == ".py" and stem.isidentifier() and (in_tasks or stem.endswith("tasks")):
                module = parts if stem == "__init__" else [*parts, stem]
                yield ".".join(module), os.path.join(folder, file)


def _is_searched(path: str, name: str, depth: int) -> bool:
    if depth >= MAX_DEPTH or not name.isidentifier() or name in _SKIPPED:
        return False
    return not os.path.exists(os.path.join(path, "pyvenv.cfg"))


def functions_in(file: str) -> tuple[str, ...]:
    """The public functions at the top level of a source file; none when it cannot be read."""
    try:
        status = os.stat(file)
    except OSError:
        return ()
    return _functions_in(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1024)
def _functions_in(file: str, _changed: int, size: int) -> tuple[str, ...]:
    # A pattern, not a parser: quick, silent about odd escapes, and of use while the file is being edited.
    if not file.endswith(".py") or size > MAX_SOURCE_BYTES:
        return ()
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            return tuple(dict.fromkeys(_FUNCTION.findall(source.read())))
    except OSError:
        return ()


def forget() -> None:
    """Read the sources afresh."""
    _functions_in.cache_clear()
    _of_project.cache_clear()
