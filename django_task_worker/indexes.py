"""Partial indexes where the database has them, and the nearest full index where it has not.

Django's `Index(condition=...)` creates nothing on MySQL and MariaDB and warns at each `check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models import Index, Model, Q


class PartialIndex(Index):
    """An index over the rows where `where` holds; elsewhere a full one over `fallback`."""

    def __init__(
        self, *, fields: Sequence[str], name: str, where: Q, fallback: Sequence[str] | None = None
    ) -> None:
        super().__init__(fields=fields, name=name)
        self.where = where
        self.fallback = list(fallback or fields)

    def create_sql(
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        if schema_editor.connection.features.supports_partial_indexes:
            index = Index(fields=self.fields, name=self.name, condition=self.where)
        else:
            index = Index(fields=self.fallback, name=self.name)
        return index.create_sql(model, schema_editor, using, **kwargs)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "where": self.where, "fallback": self.fallback}


class PartialUnique(PartialIndex):
    """A unique index over the rows where `where` holds; elsewhere over all rows (NULLs never collide)."""

    def create_sql(
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        statement = super().create_sql(model, schema_editor, using, **kwargs)
        statement.template = statement.template.replace("CREATE INDEX", "CREATE UNIQUE INDEX", 1)
        return statement
