"""The embedded default: settings and a SQLite file for a folder that has no Django project."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from taskctl.errors import store_unusable

FOLDER = ".taskctl"
FILE = "tasks.sqlite3"


def store(folder: Path) -> Path:
    """Where the tasks of a folder live."""
    return folder / FOLDER / FILE


def existing(folders: Sequence[Path]) -> Path | None:
    """The first of the folders that has tasks already."""
    return next((folder for folder in folders if store(folder).is_file()), None)


def may_live_in(folder: Path) -> bool:
    """Whether a new one may be made here: some code to run, and neither the home folder nor the root."""
    if folder == Path.home() or folder == Path(folder.anchor):
        return False
    return any(path.is_file() for path in folder.glob("*.py"))


def configure(folder: Path, environ: Mapping[str, str]) -> None:
    """Django is ready afterwards, the file exists and is migrated.

    Processes that come together wait for each other: one migrates, the others find it done.
    Raises CommandError when the file cannot be made or opened.
    """
    path = store(folder)
    try:
        _prepare(path)
    except OSError as error:
        raise store_unusable(path, error.strerror or type(error).__name__) from error
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    _set_up(path, folder, environ)
    with _locked(path.parent / "lock"):
        _migrate(path)


def _prepare(path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="ascii")
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl

    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _set_up(path: Path, folder: Path, environ: Mapping[str, str]) -> None:
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": database(path)},
        INSTALLED_APPS=["django_task_worker"],
        SECRET_KEY=os.urandom(16).hex(),
        USE_TZ=True,
        TIME_ZONE=time_zone(environ),
        REDIS_URL=environ.get("REDIS_URL") or None,
        REDIS_PASSWORD=environ.get("REDIS_PASSWORD") or None,
        TASK_WORKER={"PROJECT_DIR": str(folder)},
    )
    django.setup()


def database(path: Path) -> dict[str, object]:
    """The DATABASES entry: writers take turns, readers never wait."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA synchronous=NORMAL;",
        },
    }


def _migrate(path: Path) -> None:
    from taskctl.database import missing_migrations

    if not missing_migrations("default"):
        return
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")  # stays with the file
    call_command("migrate", verbosity=0, interactive=False)


def time_zone(environ: Mapping[str, str], link: Path = Path("/etc/localtime")) -> str:
    """The name of this machine's time zone, or UTC."""
    name = environ.get("TZ", "").removeprefix(":")
    if not name:
        try:
            name = str(link.resolve(strict=True)).partition("/zoneinfo/")[2]
        except OSError:
            name = ""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name).key if name else "UTC"
    except (ValueError, OSError):
        return "UTC"
