"""Database connections between tasks."""

from __future__ import annotations

from contextlib import suppress

from django.db import connections


def tidy_connections() -> None:
    """The next task finds no transaction open, and connections only as old as the project allows."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        with suppress(Exception):
            if not (connection.in_atomic_block or connection.savepoint_ids):
                connection.close_if_unusable_or_obsolete()
                continue
        connection.in_atomic_block = False  # within one, `close` keeps the wrapper as it is
        with suppress(Exception):
            connection.close()
        del connections[connection.alias]
