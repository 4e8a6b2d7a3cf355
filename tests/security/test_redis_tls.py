"""Redis behind TLS: the certificate is verified unless the address says otherwise."""

from __future__ import annotations

import select
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client

from django_task_worker import events
from django_task_worker.events import redis
from django_task_worker.events.line import RedisUnavailable, open_line
from django_task_worker.events.names import SocketAddress
from tests.servers import HOST, Redis
from tests.servers.process import free_port
from tests.waiting import wait_until


class RedisWithTls(Redis):
    """Also listens with TLS, under a certificate for its address that only its own authority vouches for."""

    def __init__(self) -> None:
        super().__init__()
        self.tls_port = free_port()

    def prepare(self, folder: Path) -> None:
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        subject = ["-subj", "/CN=redis", "-addext", f"subjectAltName=IP:{HOST}"]
        files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
        subprocess.run(["openssl", "req", "-x509", *kind, *subject, *files], check=True, capture_output=True)

    @property
    def certificate(self) -> Path:
        return self.home / "certificate.pem"

    def command(self) -> Sequence[str]:
        tls = ["--tls-port", f"{self.tls_port}", "--tls-auth-clients", "no"]
        files = ["--tls-cert-file", f"{self.certificate}", "--tls-key-file", f"{self.home}/key.pem"]
        return [*super().command(), *tls, *files]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisWithTls]:
    server = RedisWithTls()
    server.start()
    yield server
    server.remove()


def problem(address: str, settings: Any) -> str | None:
    settings.REDIS_URL = address
    return events.redis_problem(2.0)


def test_a_certificate_that_nobody_vouches_for_is_refused(server: RedisWithTls, settings: Any) -> None:
    found = problem(f"rediss://:canary@{HOST}:{server.tls_port}/0", settings)
    assert "certificate verify failed" in (found or "").lower()
    assert "canary" not in (found or "")


def test_a_certificate_for_another_host_is_refused(server: RedisWithTls, settings: Any) -> None:
    address = f"rediss://localhost:{server.tls_port}/0?ssl_ca_certs={server.certificate}"
    assert "localhost" in (problem(address, settings) or "")


def test_the_right_certificate_is_accepted(server: RedisWithTls, settings: Any) -> None:
    address = f"rediss://{HOST}:{server.tls_port}/0?ssl_ca_certs={server.certificate}"
    assert problem(address, settings) is None


def test_a_line_at_rest_is_used_again_and_one_that_was_cut_is_noticed(
    server: RedisWithTls, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the handshake the server sends tickets, which make the line readable without anything to read."""

    def is_readable(wire: redis.Wire) -> bool:
        poll = select.poll()
        poll.register(wire, select.POLLIN)
        return bool(poll.poll(0))

    monkeypatch.setattr(redis, "HEARD_S", 0.0)
    settings.REDIS_URL = f"rediss://{HOST}:{server.tls_port}/0?ssl_ca_certs={server.certificate}"
    wire = redis.connect(2.0)
    wait_until(lambda: is_readable(wire))
    for _ in range(3):
        assert wire.call([redis.pack(b"PING")]) == [b"+PONG"]
    with redis_client.Redis.from_url(server.url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    wait_until(lambda: is_readable(wire))
    with pytest.raises(RedisUnavailable):
        wire.post([redis.pack(b"PING")])
    wire.close()


def test_only_our_own_look_up_is_asked_for_the_host(server: RedisWithTls, settings: Any) -> None:
    """redis-py would ask again, without a time limit."""
    settings.REDIS_URL = f"rediss://redis.invalid:{server.tls_port}/0?ssl_cert_reqs=none"
    asked = []

    def look_up(host: str, port: int, timeout_s: float) -> list[SocketAddress]:
        asked.append(host)
        return [(HOST, port)]

    line = open_line(2.0, look_up)
    line.socket.sendall(b"PING\r\n")
    assert line.socket.recv(100) == b"+PONG\r\n"
    assert asked == ["redis.invalid"]
    line.close()
