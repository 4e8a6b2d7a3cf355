"""A project folder of one's own: modules in a temporary folder that are forgotten at the end."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from django_task_worker import functions
from django_task_worker.exceptions import InvalidTask
from django_task_worker.functions.options import registered

LANDMINE = "raise SystemExit('this module must not be imported')\n"


SHOP_TASKS = """
import functools, os, signal, json as encoder
from os import mkdir
from subprocess import call
from json import dumps

def add(a, b):
    return a + b

async def wait():
    return 1

def plain(function):
    def wrapper(*args):
        return function(*args)
    return wrapper

def wrapping(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) * 10
    return wrapper

@wrapping
def wrapped(a):
    return a

@plain
def unwrapped(a):
    return a

@functools.lru_cache
def cached(a):
    return a

def numbers():
    yield 1

async def stream():
    yield 1

class SomeModel:
    def save(self): ...

class Callable:
    def __call__(self): ...

alias = add
anonymous = lambda a: a
partial = functools.partial(add, 1)
instance = Callable()
bound = SomeModel().save
number = 3
_private = None

def _hidden():
    return "hidden"

def größe():
    return 1
"""


class ProjectFolder:
    """`.path`, on `sys.path` and in force as TASK_WORKER["PROJECT_DIR"]."""

    def __init__(self, path: Path, settings: Any) -> None:
        self.path = path
        self._settings = settings
        self.configure()

    def configure(self, **task_worker: Any) -> None:
        self._settings.TASK_WORKER = {"PROJECT_DIR": self.path, **task_worker}

    def write(self, file: str, source: str = "") -> Path:
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        importlib.invalidate_caches()
        functions.forget()
        return path


@pytest.fixture
def project(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectFolder]:
    path = tmp_path / "project"
    path.mkdir()
    monkeypatch.syspath_prepend(path)
    modules, tasks = set(sys.modules), dict(registered)
    registered.clear()
    yield ProjectFolder(path, settings)
    for name in [
        name for name in sys.modules if name not in modules and _is_below(sys.modules[name], tmp_path)
    ]:
        del sys.modules[name]
    registered.clear()
    registered.update(tasks)


def _is_below(module: Any, folder: Path) -> bool:
    spec = module.__spec__
    places = [spec.origin or "", *(getattr(spec.submodule_search_locations, "_path", None) or ())]
    return any(str(place).startswith(str(folder)) for place in places)


@pytest.fixture
def shop(project: ProjectFolder) -> ProjectFolder:
    """A project with shop/tasks.py, which holds all sorts of attributes."""
    project.write("shop/__init__.py")
    project.write("shop/tasks.py", SHOP_TASKS)
    return project


def loaded_by(name: str) -> set[str]:
    """The modules that a refused name brings with it."""
    before = set(sys.modules)
    with pytest.raises(InvalidTask):
        functions.resolve(name)
    return set(sys.modules) - before - {"difflib"}
