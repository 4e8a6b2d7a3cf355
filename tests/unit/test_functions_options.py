"""`@task`, the options it attaches, and the limits that `create_task` shares with it."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker import task
from django_task_worker.exceptions import InvalidTask
from django_task_worker.functions import TaskOptions, options_of, validate_options
from django_task_worker.functions.options import registered
from django_task_worker.retry import Backoff
from tests.unit.conftest import ProjectFolder


@task
def plain(a: int, b: int = 2) -> int:
    """Adds."""
    return a + b


@task(queue="mail", priority=5, timeout=30, max_retries=3, backoff={"base": 1, "cap": 60})
async def optioned() -> None: ...


@task
def anything(**kwargs: Any) -> None: ...


def undecorated() -> None: ...


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reaches create_task."""
    calls: list[Any] = []
    monkeypatch.setattr("django_task_worker.client.create_task", lambda *args, **kw: calls.append((args, kw)))
    return calls


def test_the_function_stays_a_plain_callable() -> None:
    assert type(plain) is FunctionType
    assert plain(1) == 3
    assert plain.__doc__ == "Adds."
    assert inspect.iscoroutinefunction(optioned)


def test_the_options_are_attached() -> None:
    assert plain.options == TaskOptions()
    assert optioned.options == TaskOptions(
        queue="mail", priority=5, timeout=30, max_retries=3, backoff=Backoff(base_s=1, cap_s=60)
    )


def test_options_of_tells_them_and_nothing_for_other_functions() -> None:
    assert options_of(optioned) is optioned.options
    assert options_of(undecorated) == TaskOptions()

    def misleading() -> None: ...

    misleading.options = {"queue": "mail"}  # type: ignore[attr-defined]
    assert options_of(misleading) == TaskOptions()


def test_a_backoff_object_is_taken_as_it_is() -> None:
    backoff = Backoff(base_s=5)
    assert task(backoff=backoff)(undecorated).options.backoff is backoff


def test_enqueue_stores_a_task_with_the_arguments_of_the_call(created: list[Any]) -> None:
    plain.enqueue(1, b=3)
    assert created == [((f"{__name__}.plain", [1], {"b": 3}), {})]


def test_enqueue_hands_over_arguments_of_any_name(created: list[Any]) -> None:
    anything.enqueue(name="x", args=1, timeout=2, self=3)
    assert created[0][0][2] == {"name": "x", "args": 1, "timeout": 2, "self": 3}


def test_the_function_is_registered_by_its_dotted_name() -> None:
    assert registered[f"{__name__}.plain"] is plain


def test_a_decorated_function_of_the_project_resolves(project: ProjectFolder) -> None:
    from django_task_worker.functions import resolve

    project.write(
        "decorated.py", "from django_task_worker import task\n@task(queue='q')\ndef run(): return 1"
    )
    assert resolve("decorated.run")() == 1
    assert options_of(resolve("decorated.run")).queue == "q"


@pytest.mark.parametrize("value", [int, print, object(), "text", lambda: None, staticmethod(len)])
def test_only_a_function_at_the_top_of_a_module_can_be_a_task(value: Any) -> None:
    with pytest.raises(InvalidTask):
        task(value)


def test_a_function_in_a_function_cannot_be_a_task() -> None:
    with pytest.raises(InvalidTask, match="top level of a module; no worker finds"):

        @task
        def inner() -> None: ...


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("queue", "two words"),
        ("priority", 101),
        ("timeout", 0),
        ("timeout", None.__class__),
        ("max_retries", -1),
        ("backoff", {"bse": 1}),
        ("backoff", 3),
        ("backoff", {"base": -1}),
        ("backoff", {"base": float("nan")}),
    ],
)
def test_a_wrong_option_is_refused_where_it_is_written(option: str, value: Any) -> None:
    with pytest.raises(InvalidTask, match=option):
        task(**{option: value})


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="retries"):
        task(retries=3)  # type: ignore[call-overload]


class TestLimits:
    @pytest.mark.parametrize("queue", ["default", "a", "a" * 100, "mail.high", "größe", "a-b_c", "a,b"])
    def test_queue_names_that_fit(self, queue: str) -> None:
        validate_options(queue=queue)

    @pytest.mark.parametrize(
        "queue",
        [
            "",
            "a" * 101,
            "a b",
            "a\tb",
            "a\n",
            "a:b",
            "a=1",
            "a/b",
            "a\0",
            "\x1b[31m",
            "\u202ea",
            "\ud800",
            3,
            b"a",
            True,
        ],
    )
    def test_queue_names_that_do_not(self, queue: Any) -> None:
        with pytest.raises(InvalidTask, match="queue name"):
            validate_options(queue=queue)

    @pytest.mark.parametrize(
        ("option", "least", "most"),
        [("priority", -100, 100), ("timeout", 1, 2**31 - 1), ("max_retries", 0, 2**31 - 1)],
    )
    def test_whole_numbers_have_a_range(self, option: str, least: int, most: int) -> None:
        for value in [least, most, None]:
            validate_options(**{option: value})
        for value in [least - 1, most + 1, True, False, 1.5, 1.0, "1", float("nan"), [1]]:
            with pytest.raises(InvalidTask, match=f"{option} must be a whole number"):
                validate_options(**{option: value})

    def test_unique_keys_have_1_to_255_characters(self) -> None:
        validate_options(unique_key="a")
        validate_options(unique_key="ä" * 255)
        for key in ["", "a" * 256, "a\0b", "\udfff", 7, b"a"]:
            with pytest.raises(InvalidTask, match="unique_key"):
                validate_options(unique_key=key)  # type: ignore[arg-type]

    def test_a_value_that_cannot_be_shown_is_refused_all_the_same(self) -> None:
        class Odd:
            def __repr__(self) -> str:
                raise RuntimeError

        with pytest.raises(InvalidTask, match="priority must be a whole number"):
            validate_options(priority=Odd())  # type: ignore[arg-type]

    @given(queue=st.text(max_size=120))
    def test_a_queue_name_is_refused_with_a_printable_sentence_or_it_fits(self, queue: str) -> None:
        fits = 0 < len(queue) <= 100 and queue.isprintable() and not set(queue) & set(" :=/")
        if fits:
            validate_options(queue=queue)
        else:
            with pytest.raises(InvalidTask) as refused:
                validate_options(queue=queue)
            assert str(refused.value).isprintable()
