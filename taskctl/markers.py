"""What manage.py, pyproject.toml and pytest.ini say about Django settings. Nothing of them is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = "DJANGO_SETTINGS_MODULE"
CONFIGURATION = "DJANGO_CONFIGURATION"


@dataclass(frozen=True, kw_only=True)
class Manage:
    """What a manage.py sets."""

    settings: str
    configuration: str | None


def read_manage(path: Path) -> Manage | None:
    """The settings module that a manage.py names, read without running it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if SETTINGS not in text:
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    constants = dict(_assignments(tree))
    settings = constants.get(SETTINGS)
    return Manage(settings=settings, configuration=constants.get(CONFIGURATION)) if settings else None


def _assignments(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """`os.environ.setdefault("A", "b")` and `os.environ["A"] = "b"` as ("A", "b")."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="setdefault"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(value))],
            ):
                yield name, value
            case ast.Assign(
                targets=[ast.Subscript(slice=ast.Constant(value=str(name)))],
                value=ast.Constant(value=str(value)),
            ):
                yield name, value


def own_settings(folder: Path) -> str | None:
    """`[tool.taskctl] settings` of the folder's pyproject.toml."""
    return _text(_tool(folder, "taskctl").get("settings"))


def test_settings(folder: Path) -> list[str]:
    """The settings that pytest uses here."""
    options = _tool(folder, "pytest")
    older = options.get("ini_options")
    names = [_text(table.get(SETTINGS)) for table in (options, older) if isinstance(table, dict)]
    names += _ini(folder / "pytest.ini")
    return [name for name in names if name]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _tool(folder: Path, name: str) -> dict[str, Any]:
    try:
        text = (folder / "pyproject.toml").read_bytes()
    except OSError:
        return {}
    if name.encode() not in text:
        return {}
    import tomllib  # 5 ms

    try:
        table = tomllib.loads(text.decode("utf-8")).get("tool", {}).get(name, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError):
        return {}
    return table if isinstance(table, dict) else {}


def _ini(path: Path) -> list[str | None]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    pairs = (line.partition("=") for line in lines)
    return [value.strip() for name, _, value in pairs if name.strip() == SETTINGS]
