"""Arguments against signatures: what Python would refuse is refused before anything is stored."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.exceptions import SignatureMismatch
from django_task_worker.functions import check_call


def add(a: int, b: int, *, scale: float = 1.0) -> float:
    return (a + b) * scale


def first_only(a, /, b=0): ...


def keyword_only(*, key): ...


def anything(*args, **kwargs): ...


def nothing(): ...


def refused(function: Any, *args: Any, **kwargs: Any) -> SignatureMismatch:
    with pytest.raises(SignatureMismatch) as mismatch:
        check_call(function, args, kwargs, f"app.tasks.{function.__name__}")
    return mismatch.value


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (add, [1, 2], {}),
        (add, [1], {"b": 2, "scale": 2}),
        (add, (), {"a": 1, "b": 2}),
        (first_only, [1], {}),
        (keyword_only, [], {"key": 1}),
        (anything, [1, 2, 3], {"a": 1, "args": 2, "self": 3}),
        (nothing, [], {}),
    ],
)
def test_arguments_that_fit_pass(function: Any, args: Any, kwargs: Any) -> None:
    check_call(function, args, kwargs, "app.tasks.x")


def test_a_mismatch_shows_the_problem_the_signature_and_the_call() -> None:
    error = refused(add, 1)
    assert str(error) == "app.tasks.add() misses the argument 'b'"
    assert error.signature == "add(a: int, b: int, *, scale: float = 1.0)"
    assert error.call == "add(1)"


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "problem"),
    [
        (add, [], {}, "misses the arguments 'a' and 'b'"),
        (add, [1, 2, 3], {}, "takes 2 arguments by position, and 3 were given"),
        (add, [1, 2], {"a": 3}, "gets the argument 'a' twice"),
        (add, [1, 2], {"scal": 3}, "has no argument 'scal'"),
        (add, [1], {"c": 3}, "misses the argument 'b' and has no argument 'c'"),
        (
            add,
            [1, 2],
            {f"k{n}": n for n in range(7)},
            "has no arguments 'k0', 'k1', 'k2', 'k3', 'k4' and 2 more",
        ),
        (first_only, [], {"a": 1}, "misses the argument 'a' and has no argument 'a'"),
        (
            keyword_only,
            [1],
            {},
            "takes no arguments by position, and 1 were given and misses the argument 'key'",
        ),
        (nothing, [1], {}, "takes no arguments by position, and 1 were given"),
    ],
)
def test_each_kind_of_mismatch_is_named(function: Any, args: Any, kwargs: Any, problem: str) -> None:
    assert str(refused(function, *args, **kwargs)) == f"app.tasks.{function.__name__}() {problem}"


def test_the_signature_is_that_of_what_a_decorator_wraps() -> None:
    @functools.wraps(add)
    def wrapper(*args, **kwargs): ...

    assert refused(wrapper, 1).signature == "add(a: int, b: int, *, scale: float = 1.0)"


def test_long_values_and_defaults_are_cut_short() -> None:
    def greet(text: str = "x" * 10_000) -> None: ...

    error = refused(greet, "y" * 10_000_000, [[list(range(100_000))]], {"z" * 10_000: 1})
    assert len(error.signature) < 100
    assert len(error.call) < 300
    assert len(str(refused(greet, **{"k" * 10_000: 1}))) < 300
    assert len(refused(nothing, *range(100_000), **{f"k{n}": n for n in range(1000)}).call) < 300


def test_the_message_holds_no_values() -> None:
    assert "secret" not in str(refused(add, "secret"))


def test_a_value_whose_repr_fails_does_no_harm() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    assert "Odd" in refused(nothing, Odd()).call


@given(
    args=st.lists(st.integers(), max_size=4),
    kwargs=st.dictionaries(st.sampled_from(["a", "b", "scale", "key", "other"]), st.integers()),
    function=st.sampled_from([add, first_only, keyword_only, anything, nothing]),
)
def test_exactly_what_python_takes_is_taken(args: list[int], kwargs: dict[str, int], function: Any) -> None:
    try:
        function(*args, **kwargs)
    except TypeError:
        assert str(refused(function, *args, **kwargs)).startswith(f"app.tasks.{function.__name__}() ")
    else:
        check_call(function, args, kwargs, "x")
