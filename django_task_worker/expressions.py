"""The database's clock as SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler


class DatabaseNow(Now):
    """The time of the statement, in UTC, by the clock of the database server.

    Django's `Now` is the session's local time on MySQL and MariaDB.
    """

    def as_mysql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


def later(seconds: float) -> Combinable:
    """The database's time `seconds` from now."""
    return ExpressionWrapper(DatabaseNow() + timedelta(seconds=seconds), output_field=DateTimeField())


def ago(seconds: float) -> Combinable:
    """The database's time `seconds` before now."""
    return ExpressionWrapper(DatabaseNow() - timedelta(seconds=seconds), output_field=DateTimeField())
