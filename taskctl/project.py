"""Finds the Django project a command is meant for, and sets Django up once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taskctl import embedded, markers, upwards
from taskctl.errors import CommandError, app_not_installed, home, settings_import, settings_not_found
from taskctl.flags import Globals
from taskctl.markers import CONFIGURATION, SETTINGS


@dataclass(frozen=True, kw_only=True)
class Found:
    """What to set up: a settings module, or the folder of the embedded default."""

    told_by: str
    """How it was found, for people."""
    folder: Path
    """Goes on sys.path: first for a settings module, last for the embedded default."""
    settings: str | None = None
    configuration: str | None = None
    """The class of django-configurations, where it is used."""


def find(flags: Globals, environ: Mapping[str, str], start: Path, *, command: str, create: bool) -> Found:
    """The project by the documented order. Raises CommandError when there is none.

    `create` allows the embedded default to be new in the start folder.
    """
    top = _start(flags, start)
    folders = [Path(folder) for folder in upwards.folders(str(top))]
    manage_at = next((folder for folder in folders if (folder / "manage.py").is_file()), None)
    configuration = environ.get(CONFIGURATION) or None
    for settings, told_by in ((flags.settings, "--settings"), (environ.get(SETTINGS), SETTINGS)):
        if settings:
            folder = top if flags.project else manage_at or _with_pyproject(folders) or top
            return Found(told_by=told_by, folder=folder, settings=settings, configuration=configuration)
    found = _from_pyproject(folders, manage_at, configuration) or _from_manage(folders, configuration)
    if found:
        return found
    hints = _test_settings(folders)
    store = embedded.existing(folders)
    if store is None and create and not hints and embedded.may_live_in(top):
        store = top
    if store is None:
        raise settings_not_found(first=top, last=folders[-1], command=command, hints=hints)
    return Found(told_by="embedded default", folder=store)


def _start(flags: Globals, start: Path) -> Path:
    if not flags.project:
        return start
    folder = (start / Path(flags.project).expanduser()).resolve()
    if not folder.is_dir():
        from taskctl.errors import bad_value

        raise bad_value("--project", flags.project, "there is no such folder")
    return folder


def _with_pyproject(folders: list[Path]) -> Path | None:
    return next((folder for folder in folders if (folder / "pyproject.toml").is_file()), None)


def _from_pyproject(folders: list[Path], manage_at: Path | None, configuration: str | None) -> Found | None:
    for folder in folders:
        settings = markers.own_settings(folder)
        if settings:
            inside = manage_at is not None and manage_at.is_relative_to(folder)
            return Found(
                told_by=f"[tool.taskctl] in {home(folder / 'pyproject.toml')}",
                folder=manage_at if inside and manage_at else folder,
                settings=settings,
                configuration=configuration,
            )
    return None


def _from_manage(folders: list[Path], configuration: str | None) -> Found | None:
    for folder in folders:
        manage = markers.read_manage(folder / "manage.py")
        if manage:
            return Found(
                told_by=home(folder / "manage.py"),
                folder=folder,
                settings=manage.settings,
                configuration=configuration or manage.configuration,
            )
    return None


def _test_settings(folders: list[Path]) -> list[str]:
    """Settings that only pytest names: wrong in production, so they are a hint and no more."""
    return [
        f"for tests: {name} (pytest's, in {home(folder)}); if it is right: --settings {name}"
        for folder in folders
        for name in markers.test_settings(folder)
    ]


def set_up(found: Found, environ: Mapping[str, str], *, command: str) -> None:
    """Django is ready afterwards. Raises CommandError when the settings or the apps cannot be loaded."""
    if found.settings is None:
        embedded.configure(found.folder, environ)
        return
    os.environ[SETTINGS] = found.settings
    if found.configuration:
        os.environ[CONFIGURATION] = found.configuration
    put_first(found.folder)
    try:
        _import(found)
    except Exception as error:
        raise _cannot_import(found, error, command) from error
    from django.apps import apps

    if not apps.is_installed("django_task_worker"):
        raise app_not_installed(found.settings)


def put_first(folder: Path) -> None:
    text = str(folder)
    if text in sys.path:
        sys.path.remove(text)
    sys.path.insert(0, text)


def _import(found: Found) -> None:
    if found.configuration:
        import configurations  # type: ignore[import-not-found]  # optional: django-configurations

        configurations.setup()
        return
    import django

    django.setup()


def _cannot_import(found: Found, error: Exception, command: str) -> CommandError:
    because = str(error).split("\n")[0] or type(error).__name__
    if not isinstance(error, ImportError):
        because = f"{type(error).__name__}: {because}"
    assert found.settings is not None
    return settings_import(
        module=found.settings,
        because=because,
        told_by=found.told_by,
        first=found.folder,
        command=command,
        manage=_elsewhere(found) if _is_missing(found.settings, error) else None,
    )


def _is_missing(settings: str, error: Exception) -> bool:
    """Whether the settings module or its package is what could not be found."""
    name = getattr(error, "name", None) or ""
    return isinstance(error, ModuleNotFoundError) and (settings + ".").startswith(name + ".")


def _elsewhere(found: Found) -> Path | None:
    """A folder near by that holds a manage.py and the settings module's package."""
    assert found.settings is not None
    top = found.settings.split(".")[0]
    near = [Path.cwd(), *Path.cwd().parents, found.folder, *found.folder.parents]
    below = [child for child in sorted(Path.cwd().glob("*")) if child.is_dir()]
    for folder in [*near, *below]:
        has_it = (folder / top).is_dir() or (folder / f"{top}.py").is_file()
        if folder != found.folder and (folder / "manage.py").is_file() and has_it:
            return folder
    return None
