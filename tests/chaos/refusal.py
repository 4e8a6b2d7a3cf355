"""A database that refuses some changes of a task's row, by a trigger."""

from __future__ import annotations

from django.db import connections

from tests.chaos.audit import TASKS

POSTGRES = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF {condition} THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()
"""
AT_COMMIT = (
    POSTGRES.replace("BEFORE UPDATE", "AFTER UPDATE")
    .replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
    .replace("FOR EACH ROW", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW")
)
MARIADB = """
CREATE TRIGGER refuse BEFORE UPDATE ON {table} FOR EACH ROW BEGIN
    IF {condition} THEN SIGNAL SQLSTATE '{code}' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'refused'; END IF;
END
"""
SQLITE = """
CREATE TRIGGER refuse BEFORE UPDATE ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'refused'); END
"""
TEXTS = {"postgresql": POSTGRES, "mysql": MARIADB, "sqlite": SQLITE}
ANY_STATUS_CHANGE = "OLD.status <> NEW.status"


def refuse(
    alias: str, condition: str, *, code: str = "45000", number: int = 1644, at_commit: bool = False
) -> None:
    """From now on, changes for which the condition about OLD and NEW holds fail with that error.

    At the commit, of Postgres alone: by then every statement has been answered as if all were well.
    """
    connection = connections[alias]
    text = AT_COMMIT if at_commit else TEXTS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(text.format(table=TASKS, condition=condition, code=code, number=number))


def refuse_every_fourth(alias: str, *, code: str, number: int = 1644, at_commit: bool = False) -> None:
    """Every fourth change of a status fails, whether the others are committed or not."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE refusals")
    turn = "nextval('refusals')" if connection.vendor == "postgresql" else "nextval(refusals)"
    refuse(alias, f"{ANY_STATUS_CHANGE} AND {turn} % 4 = 0", code=code, number=number, at_commit=at_commit)


def relent(alias: str) -> None:
    on = f" ON {TASKS}" if connections[alias].vendor == "postgresql" else ""
    with connections[alias].cursor() as cursor:
        cursor.execute(f"DROP TRIGGER refuse{on}")
