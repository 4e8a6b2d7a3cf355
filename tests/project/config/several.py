"""The settings of the pytest process itself: one alias for each kind of database and no default.

Whoever forgets `using` is told so by Django; the router sends the rest to the database under test.
The fixtures fill in where each database is.
"""

from __future__ import annotations

from config.databases import entry
from config.settings import *

DATABASES = {
    "default": {},
    "postgres": entry("postgres://nowhere"),
    "mariadb": entry("mysql://nowhere"),
    "sqlite": entry("sqlite:///nowhere/at/all"),
}
DATABASE_ROUTERS = ["config.router.CurrentDatabase"]
REDIS_URL = None
