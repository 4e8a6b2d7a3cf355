"""A witness inside the database: triggers that write down every change of a task's status or lease.

It tells states as the documentation does: RETRYING is FAILED with another attempt planned.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections

TASKS = "django_task_worker_databasetask"
STATE = (
    "(CASE WHEN {0}.status = 'FAILED' AND {0}.next_attempt_at IS NOT NULL THEN 'RETRYING'"
    " ELSE {0}.status END)"
)
OLD, NEW = STATE.format("OLD"), STATE.format("NEW")
COLUMNS = "task_id, was, became, was_lease, became_lease, worker"
ADDED = f"INSERT INTO chaos_audit ({COLUMNS}) VALUES (NEW.id, NULL, {NEW}, NULL, NEW.lease, NEW.worker);"
CHANGED = (
    f"INSERT INTO chaos_audit ({COLUMNS}) VALUES (NEW.id, {OLD}, {NEW}, OLD.lease, NEW.lease, NEW.worker);"
)
REMOVED = f"INSERT INTO chaos_audit ({COLUMNS}) VALUES (OLD.id, {OLD}, NULL, OLD.lease, NULL, OLD.worker);"
FINAL = f"{OLD} IN ('COMPLETED', 'FAILED', 'CANCELLED')"
DIFFERENT = {
    "postgresql": "OLD.lease IS DISTINCT FROM NEW.lease",
    "mysql": "NOT (OLD.lease <=> NEW.lease)",
    "sqlite": "OLD.lease IS NOT NEW.lease",
}
NUMBER = {
    "postgresql": "bigserial PRIMARY KEY",
    "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One change of one row, in the order in which they happened. None: the row was not there."""

    task_id: str
    was: str | None
    became: str | None
    was_lease: str | None
    became_lease: str | None
    worker: str | None


def install(alias: str) -> None:
    """Begin to write down what happens to tasks in this database."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        for statement in _statements(connection.vendor):
            cursor.execute(statement)


def entries(alias: str) -> list[Entry]:
    """What has happened so far."""
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM chaos_audit ORDER BY number")
        return [
            Entry(
                task_id=task_id,
                was=was,
                became=became,
                was_lease=was_lease,
                became_lease=became_lease,
                worker=worker,
            )
            for task_id, was, became, was_lease, became_lease, worker in cursor.fetchall()
        ]


def _statements(vendor: str) -> list[str]:
    is_news = f"{OLD} <> {NEW} OR {DIFFERENT[vendor]} OR {FINAL}"
    texts = "task_id varchar(32), was varchar(20), became varchar(20)"
    leases = "was_lease varchar(32), became_lease varchar(32), worker varchar(255)"
    table = f"CREATE TABLE chaos_audit (number {NUMBER[vendor]}, {texts}, {leases})"
    if vendor == "postgresql":
        return [table, *_postgres(is_news)]
    events = {"INSERT": ADDED, "DELETE": REMOVED}
    if vendor == "sqlite":
        triggers = [f"AFTER {event} ON {TASKS} BEGIN {action} END" for event, action in events.items()]
        triggers.append(f"AFTER UPDATE ON {TASKS} WHEN {is_news} BEGIN {CHANGED} END")
    else:
        triggers = [f"AFTER {event} ON {TASKS} FOR EACH ROW {action}" for event, action in events.items()]
        triggers.append(f"AFTER UPDATE ON {TASKS} FOR EACH ROW BEGIN IF {is_news} THEN {CHANGED} END IF; END")
    return [table, *(f"CREATE TRIGGER chaos_audit_{n} {text}" for n, text in enumerate(triggers))]


def _postgres(is_news: str) -> list[str]:
    body = f"""
    BEGIN
        IF TG_OP = 'INSERT' THEN {ADDED}
        ELSIF TG_OP = 'DELETE' THEN {REMOVED}
        ELSIF {is_news} THEN {CHANGED}
        END IF;
        RETURN NULL;
    END"""
    return [
        f"CREATE FUNCTION chaos_audit() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER chaos_audit AFTER INSERT OR UPDATE OR DELETE ON {TASKS} "
        "FOR EACH ROW EXECUTE FUNCTION chaos_audit()",
    ]
