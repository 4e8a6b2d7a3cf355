"""Migration operations that keep a big Postgres table usable meanwhile.

`django.contrib.postgres.operations` has the like, but cannot be imported without psycopg.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddField, AddIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model


class AddIndexOnline(AddIndex):
    """CREATE INDEX CONCURRENTLY on Postgres, an ordinary index elsewhere. Needs `atomic = False`."""

    atomic = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if schema_editor.connection.vendor == "postgresql":
            name = schema_editor.quote_name(self.index.name)
            schema_editor.execute(
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
            )  # left by a run that was cut off
            schema_editor.add_index(model, self.index, concurrently=True)  # type: ignore[call-arg]
        else:
            schema_editor.add_index(model, self.index)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index)


class OnPostgres(Operation):
    """Does something to a table on Postgres, nothing elsewhere, and nothing that Django's state knows of."""

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    @abstractmethod
    def forwards(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        """Do it."""

    def backwards(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        """Nothing need be done."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(self.forwards, app_label, schema_editor, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(self.backwards, app_label, schema_editor, to_state)

    def _run(
        self,
        action: Callable[[BaseDatabaseSchemaEditor, type[Model]], None],
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        state: ProjectState,
    ) -> None:
        model = state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        if connection.vendor == "postgresql" and self.allow_migrate_model(connection.alias, model):
            action(schema_editor, model)


class RemovePatternIndex(OnPostgres):
    """Drop the index for LIKE that Django gives to a text column.

    Each write of a row would pay for it, and `queries.lookup` finds the beginnings of ids without.
    """

    atomic = False

    def __init__(self, model_name: str, field_name: str) -> None:
        super().__init__(model_name)
        self.field_name = field_name

    def forwards(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self._name(schema_editor, model)}")

    def backwards(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        column = schema_editor.quote_name(self._column(model))
        schema_editor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {self._name(schema_editor, model)}"
            f" ON {table} ({column} varchar_pattern_ops)"
        )

    def _name(self, schema_editor: Any, model: type[Model]) -> str:
        columns = [self._column(model)]
        name = schema_editor._create_index_name(model._meta.db_table, columns, suffix="_like")
        return str(schema_editor.quote_name(name))

    def _column(self, model: type[Model]) -> str:
        field: Any = model._meta.get_field(self.field_name)
        return str(field.column)

    def describe(self) -> str:
        return f"Remove the pattern index of {self.field_name} from model {self.model_name}"


class AddConstraintUnchecked(AddConstraint):
    """ADD CONSTRAINT … NOT VALID on Postgres: new rows obey, `ValidateConstraint` looks at the old."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            sql = self.constraint.create_sql(model, schema_editor)
            schema_editor.execute(f"{sql} NOT VALID", params=None)


class ValidateConstraint(OnPostgres):
    """VALIDATE CONSTRAINT, which lets others read and write meanwhile."""

    def __init__(self, model_name: str, name: str) -> None:
        super().__init__(model_name)
        self.name = name

    def forwards(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        table, name = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(self.name)
        schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")

    def describe(self) -> str:
        return f"Validate constraint {self.name} on model {self.model_name}"


class AddFieldUnchecked(AddField):
    """ADD COLUMN on Postgres without its check, for which every row would be looked at under a lock.

    The check follows NOT VALID, under the name that Postgres would have given it.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        connection = schema_editor.connection
        field = to_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.name)
        check = field.db_parameters(connection)["check"]
        if connection.vendor != "postgresql" or not check:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(connection.alias, model):
            field.db_check = lambda connection: None
            schema_editor.add_field(model, field)
            table = model._meta.db_table
            name = schema_editor.quote_name(f"{table}_{field.column}_check")
            table = schema_editor.quote_name(table)
            schema_editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
