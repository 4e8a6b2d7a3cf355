"""A project with nothing but this package.

BENCHMARK_DATABASE: a Postgres URL or the path of a SQLite file. REDIS_URL: may be absent.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

SECRET_KEY = "not-a-secret-in-benchmarks"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_task_worker"]

_database = urlsplit(os.environ.get("BENCHMARK_DATABASE", "/nowhere"))
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "NAME": _database.path.lstrip("/"),
    }
    if _database.scheme
    else {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _database.path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    }
}
REDIS_URL = os.environ.get("REDIS_URL") or None
