"""Real servers: Postgres, MariaDB, Redis, PgBouncer."""

from tests.servers.mariadb import MariaDB
from tests.servers.postgres import PgBouncer, Postgres
from tests.servers.process import HOST, Server, free_port
from tests.servers.proxy import TO_CLIENT, TO_SERVER, Proxy
from tests.servers.redis import Redis

__all__ = [
    "HOST",
    "TO_CLIENT",
    "TO_SERVER",
    "MariaDB",
    "PgBouncer",
    "Postgres",
    "Proxy",
    "Redis",
    "Server",
    "free_port",
]
