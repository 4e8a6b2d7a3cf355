"""The database as a command meets it: reachable, migrated, and its errors in words."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from taskctl.errors import (
    CommandError,
    db_error,
    db_permission,
    db_refused,
    db_unreachable,
    migrations_missing,
)

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")
APP = "django_task_worker"
CONNECT_S = 5
AGAIN_S = 0.5
TABLE = "django_task_worker_databasetask"


def connection(alias: str) -> BaseDatabaseWrapper:
    from django.db import connections

    return connections[alias]


def place(alias: str) -> str:
    """What and where it is, without the password: `postgresql, shop@10.0.0.4:5432/shop`."""
    link = connection(alias)
    settings = link.settings_dict
    if link.vendor == "sqlite":
        from taskctl.errors import home

        return f"sqlite, {home(str(settings['NAME']))}"
    user = f"{settings['USER']}@" if settings.get("USER") else ""
    port = f":{settings['PORT']}" if settings.get("PORT") else ""
    # Django asks a MySQL server for its kind, which is no help while it cannot be reached.
    kind = link.vendor if link.connection is None else link.display_name.lower()
    return f"{kind}, {user}{settings.get('HOST') or 'local'}{port}/{settings['NAME']}"


def reach(alias: str) -> None:
    """Connects, for 5 s at most. Raises CommandError when that fails."""
    from django.db import Error, OperationalError

    link = connection(alias)
    if link.vendor in ("postgresql", "mysql"):
        link.settings_dict["OPTIONS"].setdefault("connect_timeout", CONNECT_S)
    began = time.monotonic()
    try:
        with _alarm(CONNECT_S if link.vendor == "mysql" else None):
            link.ensure_connection()
    except (Error, OSError) as error:
        text = reason(error)
        if isinstance(error, OperationalError) and text in ("password refused", "user refused"):
            raise db_refused(alias=alias, place=place(alias), reason=text) from error
        tried_s = time.monotonic() - began
        raise db_unreachable(alias=alias, place=place(alias), reason=text, tried_s=tried_s) from error


@contextmanager
def _alarm(seconds: int | None) -> Iterator[None]:
    """Ends what is inside after so many seconds: a MySQL driver waits for the greeting without an end."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: object) -> NoReturn:
        raise TimeoutError("timed out")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


_REASONS = (
    ("password authentication failed", "password refused"),
    ("Access denied for user", "user refused"),
    ("no pg_hba.conf entry", "user refused"),
    ('FATAL:  role "', "user refused"),
    ("Connection refused", "connection refused"),
    ("No such file or directory", "no such socket or file"),
    ("unable to open database file", "unable to open the file"),
    ("statement timeout", "a statement took too long"),
    ("max_statement_time exceeded", "a statement took too long"),
    ("timeout expired", "timed out"),
    ("timed out", "timed out"),
    ("could not translate host name", "host name not found"),
    ("Name or service not known", "host name not found"),
    ("failed to resolve host", "host name not found"),
    ("No route to host", "no route to host"),
    ("Network is unreachable", "network unreachable"),
    ("database is locked", "the file is locked by another process"),
)


def reason(error: BaseException) -> str:
    """The error in a few words."""
    texts = [item for item in error.args if isinstance(item, str)]
    return in_short(texts[-1] if texts else str(error)) or type(error).__name__


def in_short(text: str) -> str:
    """What the message of a driver says, in a few words; passwords in URLs become ***."""
    for marker, words in _REASONS:
        if marker.lower() in text.lower():
            return words
    first = text.strip().split("\n")[0].rpartition("FATAL: ")[2].strip()
    return re.sub(r"(?<=:)[^:/@\s]+(?=@)", "***", re.sub(r"(password=)\S+", r"\1***", first))


def redis_in_short(reason: str) -> str:
    """Address and reason of Redis in a few words, without secrets."""
    address, _, why = reason.partition(": ")
    return f"{address}: {in_short(why)}" if why else in_short(reason)


class Patience:
    """For commands that go on for long: a database that is away for a while is told of, and tried again."""

    def __init__(self, alias: str, tell: Callable[[str], None]) -> None:
        self._alias = alias
        self._tell = tell
        self._is_away = False

    def read(self, action: Callable[[], T]) -> T | None:
        """What the action returns; None while the database does not answer."""
        from django.db import InterfaceError, OperationalError

        try:
            found = action()
        except (InterfaceError, OperationalError):
            connection(self._alias).close()
            self._turn(is_away=True)
            return None
        self._turn(is_away=False)
        return found

    def go_on(self, source: Callable[[], Iterator[T]]) -> Iterator[T]:
        """What the source yields. Where the database breaks it off, it is asked again as soon as may be."""
        from django.db import InterfaceError, OperationalError

        from django_task_worker.queries import database_now

        while True:
            try:
                yield from source()
                return
            except (InterfaceError, OperationalError):
                time.sleep(AGAIN_S)
            while self.read(lambda: database_now(self._alias)) is None:
                time.sleep(AGAIN_S)

    def _turn(self, *, is_away: bool) -> None:
        if is_away != self._is_away:
            self._tell(f"the database {'does not answer; trying again' if is_away else 'answers again'}")
        self._is_away = is_away


def migration_names() -> list[str]:
    """The names of this app's migrations, without importing them."""
    import pkgutil
    from importlib import import_module

    from django.conf import settings

    module = settings.MIGRATION_MODULES.get(APP, f"{APP}.migrations")
    path = import_module(module).__path__ if module else []
    return sorted(info.name for info in pkgutil.iter_modules(path) if info.name[0] not in "_~")


def missing_migrations(alias: str) -> list[str]:
    """The names of this app's migrations that the database does not have."""
    link = connection(alias)
    with link.cursor() as cursor:
        tables = link.introspection.table_names(cursor)
        if "django_migrations" not in tables:
            return migration_names()
        cursor.execute("SELECT name FROM django_migrations WHERE app = %s", [APP])
        applied = {row[0] for row in cursor.fetchall()}
    return [name for name in migration_names() if name not in applied]


def require_migrations(alias: str) -> None:
    missing = missing_migrations(alias)
    if missing:
        raise migrations_missing(missing, place_in_brackets(alias))


def require_rights(alias: str) -> None:
    """Raises the database's own error when it lets us read only. Whatever else is wrong may pass.

    No row matches, but the right is asked for all the same.
    """
    from django.db import Error

    from django_task_worker.models import DatabaseTask, Worker

    try:
        Worker.objects.using(alias).filter(pk="").update(busy=0)
        DatabaseTask.objects.using(alias).filter(pk="").update(retry_count=0)
    except Error as error:
        if _is_permission(error, str(error)):
            raise


def place_in_brackets(alias: str) -> str:
    """`default (postgresql, shop@10.0.0.4:5432/shop)`."""
    return f"{alias} ({place(alias)})"


# What a command does to the tables, in the words of an error about a missing right.
_VERBS = {
    "purge": "delete from",
    "enqueue": "insert into",
    "retry": "update",
    "requeue": "update",
    "cancel": "update",
    "worker": "update",
    "queues pause": "update",
    "queues resume": "update",
    "workers drain": "update",
    "workers forget": "delete from",
}


def explain(error: BaseException, alias: str, command: str) -> CommandError | None:
    """The CommandError for an error of the database, or None when it is not one of its usual ones."""
    from django.db import Error, OperationalError, ProgrammingError

    if not isinstance(error, Error):
        return None
    text = str(error)
    if _is_permission(error, text):
        verb = _VERBS.get(command.split("-")[0], "select from")
        user = str(connection(alias).settings_dict.get("USER") or "this user")
        return db_permission(user=user, verb=verb, table=_table(text), command=command)
    if isinstance(error, OperationalError | ProgrammingError):
        missing = _missing_or_none(alias)
        if missing:
            return migrations_missing(missing, place_in_brackets(alias))
    if isinstance(error, ProgrammingError):
        return None
    return db_error(alias=alias, place=place(alias), reason=reason(error))


def _is_permission(error: BaseException, text: str) -> bool:
    cause: Any = error.__cause__
    code = getattr(cause, "sqlstate", None) or (getattr(cause, "args", None) or [None])[0]
    return code in ("42501", 1142, 1143, 1044) or "attempt to write a readonly database" in text


def _table(text: str) -> str:
    found = re.search(r"django_task_worker_\w+", text)
    return found[0] if found else TABLE


def _missing_or_none(alias: str) -> list[str]:
    """Empty also when the question cannot be asked, such as in a broken transaction."""
    from django.db import Error

    try:
        link = connection(alias)
        if link.in_atomic_block:
            return []
        return missing_migrations(alias)
    except Error:
        return []


@dataclass(frozen=True, kw_only=True)
class Server:
    """What the database says about itself. `ms` is one round trip."""

    version: str
    isolation: str
    has_skip_locked: bool
    ms: float


_ISOLATION = {
    "postgresql": "SHOW default_transaction_isolation",
    "mysql": "SELECT @@transaction_isolation",
    "mariadb": "SELECT @@tx_isolation",
}


def server(alias: str) -> Server:
    """Asks the database about itself."""
    link = connection(alias)
    with link.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute("SELECT 1")
        cursor.fetchone()
        ms = (time.perf_counter() - began) * 1000
        isolation = "serialised writes"
        kind = "mariadb" if getattr(link, "mysql_is_mariadb", False) else link.vendor
        if kind in _ISOLATION:
            cursor.execute(_ISOLATION[kind])
            isolation = str(cursor.fetchone()[0]).lower().replace("-", " ")
    return Server(
        version=".".join(str(part) for part in link.get_database_version()),
        isolation=isolation,
        has_skip_locked=bool(link.features.has_select_for_update_skip_locked) or link.vendor == "sqlite",
        ms=ms,
    )


def pooler(alias: str) -> str | None:
    """`transaction` or `session` when a pooler such as PgBouncer sits between, by what it pools; else None.

    Behind one, the process that answers is not the one that greeted us. When it serves another connection
    while ours is open, it is shared between transactions.
    """
    link: Any = connection(alias)
    if link.vendor != "postgresql":
        return None
    ours = _process(link)
    info = getattr(link.connection, "info", None)
    if info is None or info.backend_pid == ours:
        return None
    from django.db import connections

    other = connections.create_connection(alias)
    try:
        return "transaction" if _process(other) == ours else "session"
    finally:
        other.close()


def _process(link: BaseDatabaseWrapper) -> int:
    with link.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
