"""What somebody may do who writes rows, reaches Redis, or chooses the text of a task."""

from __future__ import annotations

from tests.cli.conftest import ctl as ctl
from tests.worker.conftest import quick as quick
from tests.worker.conftest import resident as resident
from tests.worker.conftest import task_worker as task_worker
from tests.worker.conftest import worker as worker
