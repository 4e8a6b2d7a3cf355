from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.dashboard.terminal import Terminal, top


@pytest.fixture
def terminal(
    environment: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Terminal]]:
    """`terminal(*arguments, size=(80, 24), command=None, NAME="value")`: `taskctl top`, as people see it."""
    opened: list[Terminal] = []

    def terminal(
        *arguments: object,
        size: tuple[int, int] = (80, 24),
        command: list[str] | None = None,
        **variables: Any,
    ) -> Terminal:
        env = {**environment, **variables}
        if "database" in request.fixturenames and "TEST_DATABASE" not in env:
            env["TEST_DATABASE"] = request.getfixturevalue("database").url
        opened.append(Terminal(command or top(*arguments), env=env, cwd=PROJECT, size=size))
        return opened[-1]

    yield terminal
    for each in opened:
        each.close()
