"""Which file holds the suggestions for a command line: the same for whoever writes and whoever reads it.

Tab waits for this, so it looks at a few files and imports next to nothing.
"""

from __future__ import annotations

import os

from taskctl import upwards

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OFF = "TASKCTL_NO_CACHE"
STORE = os.path.join(".taskctl", "tasks.sqlite3")
NAMES = {
    "settings": "DJANGO_SETTINGS_MODULE",
    "project": "TASKCTL_PROJECT",
    "database": "TASKCTL_DATABASE",
}
"""The flags that say what is meant, with the variables that stand in for them."""


def here(environ: Mapping[str, str]) -> str:
    """The working directory as the shell has it, which keeps symlinks, while that is still true."""
    shown = environ.get("PWD") or ""
    try:
        is_here = os.path.isabs(shown) and os.path.samefile(shown, ".")
    except OSError:
        is_here = False
    return shown if is_here else os.getcwd()


def file_for(given: Mapping[str, str | None], environ: Mapping[str, str], start: str) -> str | None:
    """The path of the cache for these flags in this folder; None without a project, or when it is off.

    `given` has the values of the flags in NAMES, those that were given.
    """
    if (environ.get(OFF) or "0").lower() not in ("0", "false", "no", "off"):
        return None
    meant = {name: given.get(name) or environ.get(variable) or "" for name, variable in NAMES.items()}
    folder = _project(start, meant["project"], has_settings=bool(meant["settings"]))
    if folder is None:
        return None
    digest = _digest("\0".join((folder, meant["settings"], meant["database"])))
    return os.path.join(home(environ), f"{digest}.json")


def home(environ: Mapping[str, str]) -> str:
    """The folder of all these files."""
    base = environ.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(base):  # as the XDG specification wants it
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "taskctl")


def _project(start: str, project: str, *, has_settings: bool) -> str | None:
    if project:
        return os.path.realpath(os.path.join(start, os.path.expanduser(project)))
    folders = list(upwards.folders(start))
    found = next(filter(_is_project, folders), None)
    if found is None and has_settings:
        found = next(filter(_has_pyproject, folders), start)
    return None if found is None else os.path.realpath(found)


def _is_project(folder: str) -> bool:
    """Roughly what `project.find` goes by: enough to tell projects apart."""
    if any(os.path.isfile(os.path.join(folder, name)) for name in ("manage.py", STORE)):
        return True
    try:
        with open(os.path.join(folder, "pyproject.toml"), "rb") as file:
            return b"[tool.taskctl]" in file.read()
    except OSError:
        return False


def _has_pyproject(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "pyproject.toml"))


def _digest(text: str) -> str:
    """FNV-1a of 64 bits, because `hashlib` loads OpenSSL: that takes longer than all the rest."""
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogateescape"):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"
