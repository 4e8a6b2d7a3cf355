"""The supervisor's own database connection: no pool, quick to give up, bounded in every statement."""

from __future__ import annotations

import copy
import socket
from contextlib import suppress
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_task_worker.events.names import by_process, is_address

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


def find_host(connection: BaseDatabaseWrapper) -> None:
    """Have the next connection go to the addresses of the host, instead of asking for them itself.

    A driver that takes one address gets the next one each time: called again after a failure.

    A driver asks without a time limit and without minding signals: while nobody answers, no time limit of a
    task would be kept and no lease fenced. Raises OperationalError.
    """
    settings, options = connection.settings_dict, connection.settings_dict["OPTIONS"]
    host = str(settings.get("NAMED_HOST") or settings["HOST"])
    if connection.vendor == "sqlite" or not _is_name(host):
        return
    try:
        found = by_process(host, int(settings["PORT"] or 0), CONNECT_S)
    except (OSError, ValueError) as error:
        raise OperationalError(str(error)) from None
    addresses = list(dict.fromkeys(str(address[0]) for address in found))
    settings["NAMED_HOST"] = host
    if connection.vendor == "postgresql":
        settings["HOST"] = ",".join([host] * len(addresses))  # for the certificate
        options["hostaddr"] = ",".join(addresses)
    elif not any(name.startswith("ssl") for name in options):
        tried = settings.get("HOST")
        next_one = addresses.index(tried) + 1 if tried in addresses else 0
        settings["HOST"] = addresses[next_one % len(addresses)]


def _is_name(host: str) -> bool:
    """Of one host, and not an address, a path or what every machine knows."""
    return bool(host) and not host.startswith(("/", "@")) and "," not in host and not is_address(host)


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
