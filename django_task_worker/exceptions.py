"""Every error of this package. A docstring's first line is the error's message when none is given.

TaskWorkerError
├── ConfigurationError
├── InvalidTask (also a ValueError)
│   ├── InvalidArguments
│   ├── SignatureMismatch
│   ├── TaskNotAllowed
│   └── UnknownTask
└── OutcomeError: why an attempt ended without the function's own result or error
    ├── Interrupted
    ├── ResultNotSerialisable
    ├── ResultTooLarge
    ├── TaskCancelled
    ├── TaskTimeout
    └── WorkerLost
"""

from __future__ import annotations


class TaskWorkerError(Exception):
    """Something went wrong in the task queue."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").split("\n")[0])


class ConfigurationError(TaskWorkerError):
    """A setting of django-task-worker is wrong; run `manage.py check`."""


class InvalidTask(TaskWorkerError, ValueError):
    """This task cannot be stored; nothing was written."""


class InvalidArguments(InvalidTask):
    """The arguments are not JSON, too large or nested too deep."""


class SignatureMismatch(InvalidTask):
    """The arguments do not fit the function's signature."""

    def __init__(self, message: str = "", *, signature: str = "", call: str = "") -> None:
        super().__init__(message)
        self.signature = signature
        self.call = call


class TaskNotAllowed(InvalidTask):
    """This name may not run as a task here; see TASK_WORKER["ALLOWED"]."""


class UnknownTask(InvalidTask):
    """There is no such module or function in this project."""

    def __init__(self, message: str = "", *, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


class OutcomeError(TaskWorkerError):
    """The attempt ended without a result of the function."""


class Interrupted(OutcomeError):
    """The worker stopped before the task was done, and the task has no retries."""


class ResultNotSerialisable(OutcomeError):
    """The result has no text form: its __str__ failed."""


class ResultTooLarge(OutcomeError):
    """The result is larger than TASK_WORKER["MAX_RESULT_BYTES"]."""


class TaskCancelled(OutcomeError):
    """The task was cancelled."""


class TaskTimeout(OutcomeError):
    """The task ran longer than its timeout and was ended by force."""


class WorkerLost(OutcomeError):
    """The process that ran the task died."""
