"""From a URL to an entry of DATABASES, for the three kinds of database the tests use."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

SQLITE_OPTIONS = {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF"}


def entry(url: str) -> dict[str, Any]:
    """`postgres://user@host:port/name`, `mysql://user:password@host:port/name` or `sqlite:///path`.

    `sqlite:///path?plain` is SQLite as it comes: without a write-ahead log.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        options = {"timeout": 20} if parts.query == "plain" else {**SQLITE_OPTIONS}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path, "OPTIONS": options}
    server: dict[str, Any] = {
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }
    if parts.scheme == "mysql":
        import pymysql

        pymysql.install_as_MySQLdb()
        return {"ENGINE": "django.db.backends.mysql", "OPTIONS": {"charset": "utf8mb4"}, **server}
    return {"ENGINE": "django.db.backends.postgresql", **server}
