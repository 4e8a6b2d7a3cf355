"""The supervisor's own database connection: no pool, quick to give up, bounded in every statement."""

from __future__ import annotations

import copy
import socket
from contextlib import suppress
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

CONNECT_S = 2
STATEMENT_S = 5
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": STATEMENT_S * 1000,
}


def use_own_connection(using: str) -> BaseDatabaseWrapper:
    """Replace this thread's connection of that alias by one made for a supervisor."""
    connections[using].close()
    connection = connections.create_connection(using)
    connection.settings_dict = bounded(connection.settings_dict, connection.vendor)
    connections[using] = connection
    return connection


def bounded(settings: dict[str, Any], vendor: str) -> dict[str, Any]:
    """The database settings with our own limits."""
    settings = copy.deepcopy(settings)
    options: dict[str, Any] = settings["OPTIONS"]
    options.pop("pool", None)
    settings["CONN_MAX_AGE"] = None
    settings["CONN_HEALTH_CHECKS"] = False
    if vendor == "postgresql":
        options |= {"connect_timeout": CONNECT_S, "application_name": "taskctl worker"} | KEEPALIVES
        options |= {"server_side_binding": False}
        options.pop("isolation_level", None)
    elif vendor == "mysql":
        options |= {
            "connect_timeout": CONNECT_S,
            "read_timeout": STATEMENT_S,
            "write_timeout": STATEMENT_S,
            "isolation_level": "read committed",
        }
    elif vendor == "sqlite":
        options |= {"timeout": 1, "transaction_mode": "IMMEDIATE"}
    return settings


def data_version(using: str) -> int:
    """A number of SQLite's that changes when another connection has written to the file."""
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        (version,) = cursor.fetchone()
    return int(version)


def cut(connection: BaseDatabaseWrapper) -> None:
    """Shut the socket of a connection whose statement takes too long, so that the driver gives up.

    Safe in a signal handler: it only calls shutdown(2).
    """
    driver = connection.connection
    descriptor = _descriptor(driver)
    if descriptor is not None:
        with suppress(OSError):
            copy_of_it = socket.socket(fileno=descriptor)
            try:
                copy_of_it.shutdown(socket.SHUT_RDWR)
            finally:
                copy_of_it.detach()


def _descriptor(driver: Any) -> int | None:
    try:
        if hasattr(driver, "pgconn"):
            return int(driver.pgconn.socket)
        if hasattr(driver, "_sock"):
            return int(driver._sock.fileno())
        return int(driver.fileno())
    except Exception:
        return None
