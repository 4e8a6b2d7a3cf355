"""The conformance suite runs unchanged on every database, and on Postgres with and without its fast path.

The models are imported in the fixtures: this file is read before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lifecycle.published import Published
    from tests.lifecycle.tasks import Tasks


@pytest.fixture
def tasks(using: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    """Short verbs for the tasks in the database under test."""
    from django_task_worker.lifecycle import postgresql
    from tests.lifecycle.tasks import Tasks

    if request.node.callspec.params["using"] == "postgres-reference":
        monkeypatch.setattr(postgresql, "is_enabled", False)
    return Tasks(using)


@pytest.fixture
def published() -> Iterator[Published]:
    """The events of this test, as the publisher of this process is given them."""
    from django_task_worker import events
    from tests.lifecycle.published import Published

    publisher = Published()
    events.use_publisher(publisher)
    yield publisher
    events.use_publisher(None)
