"""The database backend of django.tasks, and its settings. PEER_URL: a Postgres URL."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

_database = urlsplit(os.environ["PEER_URL"])
SECRET_KEY = "not-a-secret-in-benchmarks"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_tasks", "django_tasks_db"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "NAME": _database.path.lstrip("/"),
        "CONN_MAX_AGE": None,
    }
}

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "with_django_tasks"
    if sys.argv[1] in ("migrate", "db_worker"):
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    else:
        import django

        django.setup()
        import timing
        from django_tasks_of_peer import add, mark

        timing.main(
            single=lambda count: timing.single(lambda: add.enqueue(1, 2), count),
            bulk=lambda count: timing.bulk(lambda number: [add.enqueue(1, 2) for _ in range(number)], count),
            marks=lambda **options: timing.marks(mark.enqueue, **options),
        )
