"""REDIS_URL in all its forms: what is read from it, what is wrong with it, and what is shown of it."""

from __future__ import annotations

import pytest

from django_task_worker.events.address import Address, plain, safe_url
from django_task_worker.events.line import url_problem

SOUND = [
    ("redis://localhost", Address(host="localhost")),
    ("redis://", Address(host="localhost")),
    ("redis:///3", Address(host="localhost", database=3)),
    ("redis://[::1]:6380/2", Address(host="::1", port=6380, database=2)),
    ("redis://h/2/", Address(host="h", database=2)),
    ("redis://h/0#note", Address(host="h")),
    ("REDIS://h", Address(host="h")),
    ("redis://me:p%40%2F%3Aw@h", Address(host="h", username="me", password="p@/:w")),
    ("redis://:p@w@h", Address(host="h", password="p@w")),
    ("redis://me@h", Address(host="h", username="me", password="of the setting")),
]
FOR_REDIS_PY = [
    "rediss://:secret@h:6380/1",
    "unix:///run/redis@1.sock?db=2",
    "redis://h?db=3",
    "redis://h/0?password=sec@ret",
    "redis://h/0?socket_timeout=3",
    "redis://h/three",
]
WRONG = [
    "redis://:secret@h:0/",
    "redis://:secret@h:70000/",
    "redis://:secret@h:port/",
    "redis://:sec/ret@h/0",
    "redis://:12/ret@h/0",
    "redis://:sec#ret@h/0",
    "redis://:sec?ret@h/0",
    "redis://:12?ret@h/0",
    "redis://:12#ret@h/0",
    "redis://:secret",
    "redis://[::1/0?password=secret",
    "redis:secret",
    "secret@h:6379",
    "http://:secret@h",
    " redis://:secret@h",
    "redis://:secret@h/0?timeout=1",
    "redis://h/0?password=secret&nonsense=1",
    "redis://h/0?db=secret",
    "rediss://:secret@h/0?ssl_cert_reqs=nonsense",
]


def secrets_in(text: str) -> list[str]:
    return [part for part in ("sec", "ret@", "12", "p%40", "p@") if part in text]


@pytest.mark.parametrize(("url", "address"), SOUND)
def test_a_plain_address_is_read(url: str, address: Address) -> None:
    assert plain(url, "of the setting" if "me@" in url else None) == address
    assert url_problem(url) is None


@pytest.mark.parametrize("url", FOR_REDIS_PY)
def test_an_address_that_asks_for_more_is_left_to_redis_py(url: str) -> None:
    assert plain(url) is None
    assert url_problem(url) is None


@pytest.mark.parametrize("url", WRONG)
def test_what_is_wrong_is_said_without_secrets(url: str) -> None:
    problem = url_problem(url)
    assert problem
    assert not secrets_in(problem)
    assert not secrets_in(safe_url(url))


@pytest.mark.parametrize("url", [url for url, _ in SOUND] + FOR_REDIS_PY)
def test_what_is_shown_holds_no_secret(url: str) -> None:
    assert not secrets_in(safe_url(url))
    assert not secrets_in(repr(plain(url)))
