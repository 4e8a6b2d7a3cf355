"""Where modules live: found the way `import` finds them, without importing anything."""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from pkgutil import get_importer
from typing import TYPE_CHECKING

from django.conf import settings as django_settings

from django_task_worker.conf import settings
from django_task_worker.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

_THIRD_PARTY = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, kw_only=True)
class Place:
    """One module or package. A folder without `__init__.py` has no file; a plain module no search path."""

    module: str
    file: str | None
    search: tuple[str, ...] | None

    @property
    def is_package(self) -> bool:
        return self.search is not None

    @property
    def base(self) -> str | None:
        """The folder of `sys.path` that this file was reached from, if it was reached in the plain way."""
        if self.file is None:
            return None
        folder, filename = os.path.split(self.file)
        levels = self.module.count(".")
        if filename.partition(".")[0] == "__init__":
            levels += 1
        for _ in range(levels):
            folder = os.path.dirname(folder)
        return folder


def locate(module: str) -> Place | None:
    """Where `import module` would find it, or None. Runs no code of the module or of its parents."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        return _place_of_loaded(module, loaded)
    parent, _, _ = module.rpartition(".")
    if not parent:
        return _place_of_spec(module, _top_spec(module))
    place = locate(parent)
    if place is None or place.search is None:
        return None
    return _find_below(module, place.search)


def _place_of_loaded(module: str, loaded: ModuleType) -> Place:
    file = getattr(loaded, "__file__", None)
    search = getattr(loaded, "__path__", None)
    return Place(module=module, file=file, search=None if search is None else tuple(search))


def _top_spec(module: str) -> ModuleSpec | None:
    if BuiltinImporter.find_spec(module) or FrozenImporter.find_spec(module):
        return ModuleSpec(module, None)
    return find_spec(module)  # without a dot in the name it imports nothing


def _place_of_spec(module: str, spec: ModuleSpec | None) -> Place | None:
    if spec is None:
        return None
    search = spec.submodule_search_locations
    file = spec.origin if spec.has_location else None
    return Place(module=module, file=file, search=None if search is None else tuple(search))


def _find_below(module: str, search: Iterable[str]) -> Place | None:
    # find_spec("a.b") would import a, and PathFinder needs the parents of folders without __init__.py loaded.
    portions: list[str] = []
    for entry in search:
        finder = get_importer(entry or os.getcwd())
        spec = finder.find_spec(module) if finder is not None else None
        if spec is None:
            continue
        if spec.loader is not None:
            return _place_of_spec(module, spec)
        portions.extend(spec.submodule_search_locations or ())
    return Place(module=module, file=None, search=tuple(portions)) if portions else None


@lru_cache(maxsize=1)
def project_folder() -> Path:
    """The project folder: `TASK_WORKER["PROJECT_DIR"]`, else where the settings module's top package lies.

    Raises ConfigurationError when the settings have neither.
    """
    configured = settings().project_dir
    if configured is not None:
        return configured
    name = settings_module()
    place = locate(name) if name and name in sys.modules else None
    if place is None or place.base is None:
        raise ConfigurationError('the project folder is unknown; set TASK_WORKER["PROJECT_DIR"]')
    return Path(os.path.realpath(place.base))


def settings_module() -> str | None:
    """The dotted name of the settings module; None when the settings were made in code."""
    name = getattr(django_settings, "SETTINGS_MODULE", None) or os.environ.get("DJANGO_SETTINGS_MODULE")
    return name or None


def is_in_project(place: Place) -> bool:
    """Whether this module is a file found directly in the project folder and really lies inside it."""
    try:
        project = os.fspath(project_folder())
    except ConfigurationError:
        return False
    if place.file is None or place.base is None:
        return False
    if os.path.realpath(place.base) != project:
        return False
    file = os.path.realpath(place.file)
    return _is_below(file, project) and not _is_foreign(file, project)


def own_files() -> set[str]:
    """The files of loaded modules that are neither Python's nor installed."""
    project = os.fspath(project_folder())
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    real = {os.path.realpath(file) for file in files if isinstance(file, str)}
    return {file for file in real if file.endswith(".py") and not _is_foreign(file, project)}


def is_of_python(module: str) -> bool:
    """Whether the top of this name is a module of Python itself."""
    top = module.partition(".")[0]
    return top in sys.builtin_module_names or top in sys.stdlib_module_names


def _is_foreign(file: str, project: str) -> bool:
    if not _THIRD_PARTY.isdisjoint(file.split(os.sep)):
        return True
    return any(_is_below(file, root) for root in _foreign_roots(project))


@lru_cache(maxsize=8)
def _foreign_roots(project: str) -> tuple[str, ...]:
    """The folders of Python and of the virtual environment, unless the project itself lies in them.

    An image of Python has the prefix /usr and may keep the project in /usr/src/app.
    """
    paths = sysconfig.get_paths()
    roots = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    roots |= {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib") if key in paths}
    roots.add(os.path.dirname(os.__file__))
    real = {os.path.realpath(root) for root in roots}
    return tuple(sorted(root for root in real if root != project and not _is_below(project, root)))


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def forget() -> None:
    """Look for the project folder again."""
    project_folder.cache_clear()
    _foreign_roots.cache_clear()
