"""Fresh databases for the tests, by copying a migrated template; and emptying the tables of one."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from config.databases import entry
from config.router import CurrentDatabase
from django.core.management import call_command
from django.db import connections

from tests.servers import MariaDB, PgBouncer, Postgres

TABLES = "django_task_worker_"


@dataclass(frozen=True)
class Database:
    """A migrated database and how to reach it.

    alias: the Django alias in this process; url: what TEST_DATABASE of a subprocess takes.
    """

    alias: str
    url: str


class Databases:
    """The databases of one kind. The template is made when it is first needed."""

    alias = ""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._template_ready = False
        self._shared_ready = False

    def url(self, name: str) -> str:
        raise NotImplementedError

    def create(self, name: str) -> None:
        raise NotImplementedError

    def copy(self, template: str, name: str) -> None:
        raise NotImplementedError

    def drop(self, name: str) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Makes sure that the server runs."""

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[Database]:
        """A new database, to which the alias and the router point until the end."""
        self.start()
        if migrated:
            self._make_template()
        name = f"test_{next(self._numbers)}"
        self.copy("template", name) if migrated else self.create(name)
        try:
            with self._current(name):
                yield Database(self.alias, self.url(name))
        finally:
            self.start()
            self.drop(name)

    @contextmanager
    def shared(self) -> Iterator[Database]:
        """The same database each time, emptied before use."""
        self.start()
        if not self._shared_ready:
            self._make_template()
            self.copy("template", "shared")
            self._shared_ready = True
        with self._current("shared"):
            empty(self.alias)
            yield Database(self.alias, self.url("shared"))

    def _make_template(self) -> None:
        if self._template_ready:
            return
        self.create("template")
        with self._current("template"):
            call_command("migrate", database=self.alias, verbosity=0, interactive=False)
        self._template_ready = True

    @contextmanager
    def _current(self, name: str) -> Iterator[None]:
        old_entry, old_alias = dict(connections.databases[self.alias]), CurrentDatabase.alias
        self._point_to(entry(self.url(name)))
        CurrentDatabase.alias = self.alias
        try:
            yield
        finally:
            CurrentDatabase.alias = old_alias
            self._point_to(old_entry)

    def _point_to(self, settings: dict[str, Any]) -> None:
        connections[self.alias].close()
        connections.databases[self.alias].update(settings)


class PostgresDatabases(Databases):
    """With a pooler, everybody comes through it, but for who makes databases and copies them."""

    alias = "postgres"

    def __init__(self, server: Postgres, pooler: PgBouncer | None = None) -> None:
        super().__init__()
        self.server = server
        self.pooler = pooler

    def start(self) -> None:
        self.server.start()
        if self.pooler is not None:
            self.pooler.start()

    def url(self, name: str) -> str:
        entrance = self.server if self.pooler is None or name == "template" else self.pooler
        return f"{entrance.url}/{name}"

    def create(self, name: str) -> None:
        self.server.execute(f"CREATE DATABASE {name}")

    def copy(self, template: str, name: str) -> None:
        self.server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def drop(self, name: str) -> None:
        self.server.execute(f"DROP DATABASE {name} WITH (FORCE)")


class MariaDatabases(Databases):
    alias = "mariadb"

    def __init__(self, server: MariaDB) -> None:
        super().__init__()
        self.server = server

    def start(self) -> None:
        self.server.start()

    def url(self, name: str) -> str:
        return f"{self.server.url}/{name}"

    def create(self, name: str) -> None:
        self.server.execute(f"CREATE DATABASE {name}")

    def copy(self, template: str, name: str) -> None:
        tables = [table for (table,) in self.server.execute("SHOW TABLES", database=template)]
        statements = [f"CREATE DATABASE {name}"]
        for table in tables:
            statements.append(f"CREATE TABLE {name}.{table} LIKE {template}.{table}")
            if not table.startswith(TABLES):
                statements.append(f"INSERT INTO {name}.{table} SELECT * FROM {template}.{table}")
        self.server.execute(*statements)

    def drop(self, name: str) -> None:
        connections = self.server.execute(
            f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"
        )
        for (number,) in connections:
            with suppress(pymysql.OperationalError):
                self.server.execute(f"KILL {number}")
        self.server.execute(f"DROP DATABASE {name}")


class SqliteDatabases(Databases):
    alias = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite3"

    def url(self, name: str) -> str:
        return f"sqlite://{self.path(name)}"

    def create(self, name: str) -> None:
        self.path(name).touch()

    def copy(self, template: str, name: str) -> None:
        with closing(sqlite3.connect(self.path(template))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self.path(template), self.path(name))

    def drop(self, name: str) -> None:
        for path in self.folder.glob(f"{name}.sqlite3*"):
            path.unlink()


def empty(alias: str) -> None:
    """Removes all rows of this package's tables."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        tables = [t for t in connection.introspection.table_names(cursor) if t.startswith(TABLES)]
        if connection.vendor == "postgresql":
            cursor.execute("SET lock_timeout = '10s'")
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            cursor.execute("RESET lock_timeout")
        else:
            for table in tables:
                cursor.execute(f"DELETE FROM {table}")
