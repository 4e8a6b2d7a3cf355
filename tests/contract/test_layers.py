"""Who may import whom. A module imports only from its own layer and lower ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import django_task_worker

ROOT = Path(django_task_worker.__file__).parents[1]
PACKAGE = "django_task_worker"

LAYERS = {
    "__init__": 0,
    "_version": 0,
    "exceptions": 0,
    "states": 0,
    "retry": 0,
    "ids": 0,
    "cleaning": 0,
    "redaction": 0,
    "periods": 0,
    "globs": 0,
    "excerpt": 0,
    "sockets": 0,
    "signals": 0,
    "compat": 1,
    "logs": 1,
    "conf": 1,
    "expressions": 1,
    "indexes": 1,
    "operations": 1,
    "records": 2,
    "models": 2,
    "migrations": 2,
    "events": 3,
    "locks": 3,
    "lifecycle": 4,
    "registry": 4,
    "queries": 4,
    "snapshot": 4,
    "turns": 4,
    "wishes": 4,
    "task_logs": 4,
    "operation_log": 4,
    "functions": 4,
    "arguments": 4,
    "client": 5,
    "statistics": 5,
    "retention": 5,
    "stack": 5,
    "why": 5,
    "overview": 5,
    "worker": 5,
    "schedules": 5,
    "backend": 6,
    "admin": 6,
    "checks": 6,
    "apps": 6,
    "management": 6,
}
UPWARDS = {
    ("functions.options", "client"): "`.enqueue` of a @task function is create_task, found when it is called",
}

# module of django_task_worker: what it never imports, at any place
NEVER = {
    "exceptions": ["django", "redis"],
    "states": ["django", "redis"],
    "retry": ["django", "redis", PACKAGE],
    "ids": ["django", "redis"],
    "conf": [f"{PACKAGE}.models", "django.db"],
    "models": ["redis"],
    "records": ["redis", f"{PACKAGE}.models"],
    "events": [f"{PACKAGE}.models", "django.db.models"],
    "locks": [f"{PACKAGE}.models", "django.db.models"],
    "lifecycle": ["redis", f"{PACKAGE}.functions"],
    "registry": ["redis", f"{PACKAGE}.functions"],
    "queries": ["redis"],
    "functions": ["redis"],
    "client": [f"{PACKAGE}.worker", "redis"],
    "statistics": [f"{PACKAGE}.worker", "redis"],
    "why": [f"{PACKAGE}.worker", "redis"],
    "overview": [f"{PACKAGE}.worker", "redis"],
    "worker": [
        f"{PACKAGE}.models",
        f"{PACKAGE}.records",
        f"{PACKAGE}.queries",
        "django.db.models",
        "redis",
    ],
}
# module of taskctl: what it never imports, at any place
TASKCTL_NEVER = {
    "exits": ["django", "redis", "rich", "typer", PACKAGE],
    "render": [
        "django",
        "redis",
        "time",
        "os",
        "io",
        f"{PACKAGE}.models",
        f"{PACKAGE}.queries",
        "taskctl.session",
    ],
    "commands": ["django.db", "redis", f"{PACKAGE}.models"],
}
# module of taskctl: what it never imports when it is itself imported
TASKCTL_NEVER_AT_IMPORT = {
    "__init__": ["django", "redis", "rich", "typer"],
    "__main__": ["django", "redis", "rich", "typer", "taskctl"],
    "app": ["django", "redis", "rich"],
    "project": ["rich"],
    "terminal": ["django"],
}


@dataclass(frozen=True)
class Import:
    """One import statement: `target` is the dotted name of the module or of something in it."""

    importer: str
    target: str
    line: int
    deferred: bool

    def is_of(self, name: str) -> bool:
        return self.target == name or self.target.startswith(f"{name}.")

    def __str__(self) -> str:
        return f"{self.importer} imports {self.target} in line {self.line}"


def imports_of(package: str) -> Iterator[Import]:
    for path in sorted((ROOT / package).rglob("*.py")):
        names = path.relative_to(ROOT).with_suffix("").parts
        importer = ".".join(names[1:] if names[-1] != "__init__" or len(names) == 2 else names[1:-1])
        tree = ast.parse(path.read_text())
        for node, deferred in _statements(tree, deferred=False):
            for target in _targets(node):
                yield Import(importer, target, node.lineno, deferred)


def _statements(node: ast.AST, *, deferred: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, deferred
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _statements(child, deferred=deferred or inside)


def _targets(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "relative imports hide the layer"
    return [f"{node.module}.{alias.name}" for alias in node.names]


def _home(target: str) -> str:
    """The module under the package that a target is in; lazily offered names count as where they live."""
    first = target.removeprefix(f"{PACKAGE}.").split(".")[0]
    return django_task_worker._HOMES.get(first, target).removeprefix(f"{PACKAGE}.").split(".")[0]


def test_every_module_has_a_layer() -> None:
    modules = {path.stem for path in (ROOT / PACKAGE).iterdir() if path.suffix == ".py"}
    folders = {path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")}
    assert modules | folders <= set(LAYERS)


def test_a_module_imports_only_from_its_own_layer_and_lower_ones() -> None:
    upwards = []
    for found in imports_of(PACKAGE):
        if not found.is_of(PACKAGE):
            continue
        home = _home(found.target)
        if LAYERS[home] > LAYERS[found.importer.split(".")[0]] and (found.importer, home) not in UPWARDS:
            upwards.append(str(found))
    assert not upwards


@pytest.mark.parametrize("module", NEVER)
def test_a_module_never_imports_what_is_not_its_business(module: str) -> None:
    wrong = [
        str(found)
        for found in imports_of(PACKAGE)
        if found.importer.split(".")[0] == module and any(found.is_of(name) for name in NEVER[module])
    ]
    assert not wrong


def test_the_library_knows_nothing_of_its_command_line() -> None:
    """But for `manage.py taskctl`, which passes its arguments on."""
    wrong = [
        str(found)
        for found in imports_of(PACKAGE)
        if (found.is_of("taskctl") or found.is_of("typer"))
        and found.importer != "management.commands.taskctl"
    ]
    assert not wrong


@pytest.mark.parametrize("module", TASKCTL_NEVER)
def test_a_part_of_taskctl_never_imports_what_is_not_its_business(module: str) -> None:
    wrong = [
        str(found)
        for found in imports_of("taskctl")
        if found.importer.split(".")[0] == module and any(found.is_of(name) for name in TASKCTL_NEVER[module])
    ]
    assert not wrong


@pytest.mark.parametrize("module", TASKCTL_NEVER_AT_IMPORT)
def test_a_part_of_taskctl_defers_what_is_slow(module: str) -> None:
    wrong = [
        str(found)
        for found in imports_of("taskctl")
        if found.importer == module
        and not found.deferred
        and any(found.is_of(name) for name in TASKCTL_NEVER_AT_IMPORT[module])
    ]
    assert not wrong


@pytest.mark.parametrize("package", [PACKAGE, "taskctl"])
def test_no_module_is_a_drawer_for_everything(package: str) -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "tools"}
    assert not [path for path in (ROOT / package).rglob("*.py") if path.stem in drawers]
