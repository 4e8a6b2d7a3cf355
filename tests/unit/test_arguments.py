"""What may be stored as arguments (reliability.md SEC-5 and S63)."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import sys
import time
import uuid
from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.arguments import MAX_DEPTH, check
from django_task_worker.exceptions import InvalidArguments

LIMIT = 1024 * 1024
Point = namedtuple("Point", "x y")


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Plain(enum.Enum):
    ONE = 1


class Text(str): ...


class Number(float): ...


def refused(args: Any = None, kwargs: Any = None, limit_bytes: int = LIMIT) -> str:
    with pytest.raises(InvalidArguments) as error:
        check(args, kwargs, limit_bytes)
    assert error.value.__context__ is None or error.value.__suppress_context__
    assert len(str(error.value)) < 300
    return str(error.value)


def nested(levels: int, innermost: Any = 0, as_dict: bool = False) -> Any:
    value = innermost
    for _ in range(levels):
        value = {"k": value} if as_dict else [value]
    return value


@pytest.mark.parametrize(
    ("args", "kwargs", "texts"),
    [
        (None, None, ("[]", "{}")),
        ([], {}, ("[]", "{}")),
        ((), {}, ("[]", "{}")),
        ([1, 2.5, "a", True, None], {"b": [1, {"c": 2}]}, ('[1,2.5,"a",true,null]', '{"b":[1,{"c":2}]}')),
        ((1, (2, 3)), {"t": (4,)}, ("[1,[2,3]]", '{"t":[4]}')),
        (["ä", "日本", "😀"], {"ß": "\u2028"}, ('["ä","日本","😀"]', '{"ß":"\u2028"}')),
        ([Colour.RED, Level.HIGH, Text("t"), Number(1.5)], {}, ('["red",3,"t",1.5]', "{}")),
        ([], {Colour.RED: 1, Text("t"): 2}, ("[]", '{"red":1,"t":2}')),
        ([Point(1, 2)], OrderedDict(a=1), ("[[1,2]]", '{"a":1}')),
        ([-0.0, 1e308, 5e-324, 2**64, -(10**30)], {}, (None, "{}")),
        (["\\u0000", "\x01\x7f", "\n"], {}, ('["\\\\u0000","\\u0001\x7f","\\n"]', "{}")),
    ],
)
def test_json_values_become_compact_text(args: Any, kwargs: Any, texts: tuple[str | None, str]) -> None:
    args_text, kwargs_text = check(args, kwargs, LIMIT)
    assert texts[0] is None or args_text == texts[0]
    assert kwargs_text == texts[1]
    assert json.loads(args_text) == json.loads(json.dumps(args or []))
    assert json.loads(kwargs_text) == json.loads(json.dumps(kwargs or {}))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"a": 1}, "args must be a list or a tuple, not a dict; named arguments go into kwargs"),
        ({}, "args must be a list or a tuple, not a dict; named arguments go into kwargs"),
        ("text", "args must be a list or a tuple, not a str; write [value] for a single argument"),
        (3, "args must be a list or a tuple, not an int; write [value] for a single argument"),
        ({1, 2}, "args must be a list or a tuple, not a set"),
        (iter([1]), "args must be a list or a tuple, not a list_iterator"),
        (b"ab", "args must be a list or a tuple, not a bytes"),
    ],
)
def test_args_must_be_a_list_or_a_tuple(args: Any, message: str) -> None:
    assert refused(args) == message


@pytest.mark.parametrize("kwargs", [[], [("a", 1)], "a", 3, {1}, MappingProxyType({"a": 1})])
def test_kwargs_must_be_a_dict(kwargs: Any) -> None:
    assert refused(None, kwargs).startswith("kwargs must be a dict, not a")


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (decimal.Decimal("1.10"), "a Decimal, which JSON cannot hold; pass str(value)"),
        (datetime.datetime(2026, 1, 1), "a datetime, which JSON cannot hold; pass value.isoformat()"),
        (datetime.date(2026, 1, 1), "a date, which JSON cannot hold; pass value.isoformat()"),
        (datetime.timedelta(1), "a timedelta, which JSON cannot hold; pass value.total_seconds()"),
        (uuid.UUID(int=1), "a UUID, which JSON cannot hold; pass str(value)"),
        (b"abc", "a bytes, which JSON cannot hold; pass text, for example base64"),
        ({1}, "a set, which JSON cannot hold; pass a list"),
        (range(3), "a range, which JSON cannot hold; pass a list"),
        (Plain.ONE, "a Plain, which JSON cannot hold; pass value.value"),
        (
            object(),
            "an object, which JSON cannot hold; pass a text, a number, True, False, None, a list or a dict",
        ),
    ],
)
def test_what_json_cannot_hold_is_refused_with_the_place_and_the_way_out(value: Any, advice: str) -> None:
    assert refused([0, value]) == f"args[1] is {advice}"
    assert refused([], {"a": [{"b": value}]}) == f"kwargs['a'][0]['b'] is {advice}"


def test_a_model_instance_is_refused_with_the_advice_to_pass_its_key() -> None:
    from django_task_worker.models import Queue

    assert refused([Queue(name="mail")]).endswith("pass its primary key (value.pk) and load it in the task")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Number("nan")])
def test_numbers_must_be_finite(value: float) -> None:
    assert refused([1, value]) == f"args[1] is {value!r}; JSON has no such number, pass None or a text"
    assert "kwargs['x'][0]" in refused([], {"x": [value]})


@pytest.mark.parametrize("key", [1, None, 1.5, True, (1, 2), Level.HIGH, b"a", frozenset()])
def test_keys_must_be_texts(key: Any) -> None:
    for args, kwargs, place in [
        ([{key: 1}], {}, "args[0]"),
        ([], {key: 1}, "kwargs"),
        ([], {"a": {key: 1}}, "kwargs['a']"),
        ([[[{"ok": [{key: 1}]}]]], {}, "args[0][0][0]['ok'][0]"),
    ]:
        assert refused(args, kwargs).startswith(f"{place} has the key ")


def test_a_value_or_key_that_cannot_be_shown_is_refused_all_the_same() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    assert "an Odd, which JSON cannot hold" in refused([Odd()])
    assert "has the key <Odd instance" in refused([], {"a": {Odd(): 1}})


class TestText:
    @pytest.mark.parametrize("text", ["\0", "a\0b", "\\\0", "ä\0"])
    def test_nul_is_refused_in_values_and_keys(self, text: str) -> None:
        assert "NUL" in refused([[text]])
        assert "NUL" in refused([], {"a": text})
        assert "a key of kwargs holds NUL" in refused([], {text: 1})

    @pytest.mark.parametrize("text", ["\udfff", "a\udc80", "\ude00\ud83d", "😀\ud83d"])
    def test_half_characters_are_refused_in_values_and_keys(self, text: str) -> None:
        assert "half a character" in refused([text])
        assert "half a character" in refused([], {"a": [text]})
        assert "half a character" in refused([], {text: 1})

    def test_the_message_can_be_shown(self) -> None:
        refused([{"\ud800" * 100: 1}]).encode()


class TestDepth:
    @pytest.mark.parametrize("as_dict", [False, True])
    def test_64_levels_pass_and_65_do_not(self, as_dict: bool) -> None:
        check([nested(MAX_DEPTH - 1, as_dict=as_dict)], {}, LIMIT)
        check([], {"a": nested(MAX_DEPTH - 1, as_dict=as_dict)}, LIMIT)
        assert "deeper than 64 levels" in refused([nested(MAX_DEPTH, as_dict=as_dict)])
        assert "deeper than 64 levels" in refused([], {"a": nested(MAX_DEPTH, as_dict=as_dict)})

    def test_many_lists_side_by_side_are_not_deep(self) -> None:
        check([[], [[]]] * 1000, {"a": [{}] * 1000, "b": "[{" * 1000}, LIMIT)

    @pytest.mark.parametrize("as_dict", [False, True])
    def test_a_hundred_thousand_levels_are_refused_quickly(self, as_dict: bool) -> None:
        value = nested(100_000, as_dict=as_dict)
        started = time.perf_counter()
        assert "deeper than 64 levels" in refused([value])
        assert "deeper than 64 levels" in refused([], {"a": value})
        assert time.perf_counter() - started < 1
        while value:  # freeing it at once would recurse in C
            value = value["k"] if as_dict else value[0]

    def test_what_contains_itself_is_refused(self) -> None:
        items: list[Any] = [1]
        items.append(items)
        assert refused(items) == "args[1] contains itself"
        mapping: dict[str, Any] = {}
        mapping["a"] = [mapping]
        assert refused([], mapping) == "kwargs['a'][0] contains itself"

    def test_the_same_value_twice_does_not_contain_itself(self) -> None:
        shared = [1]
        assert check([shared, shared, [shared]], {"a": shared}, LIMIT)[0] == "[[1],[1],[[1]]]"


class TestSize:
    @pytest.mark.parametrize("letter", ["a", "ä", "😀"])
    def test_the_limit_is_exact_in_bytes_of_both_together(self, letter: str) -> None:
        args, kwargs = [letter * 10], {"a": letter}
        size = sum(len(text.encode()) for text in check(args, kwargs, LIMIT))
        check(args, kwargs, size)
        assert refused(args, kwargs, size - 1).startswith(
            f"the arguments take {size} bytes as JSON, the limit is"
        )

    def test_one_mebibyte_passes_and_one_byte_more_does_not(self) -> None:
        check(["x" * (LIMIT - 6)], None, LIMIT)
        assert "1,048,577 bytes" in refused(["x" * (LIMIT - 5)])

    def test_a_million_keys_are_refused_by_size(self) -> None:
        assert "bytes as JSON" in refused([], {str(number): 0 for number in range(1_000_000)})

    def test_4300_digits_pass_and_4301_do_not(self) -> None:
        limit = sys.get_int_max_str_digits()
        assert check([10 ** (limit - 1)], {}, LIMIT)[0] == f"[1{'0' * (limit - 1)}]"
        assert refused([10**limit]) == "args[0] is a number with too many digits; pass hex(value)"
        assert "kwargs['a'] is a number" in refused([], {"a": -(10**limit)})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(args=st.lists(JSON), kwargs=st.dictionaries(st.text(), JSON))
def test_what_passes_comes_back_as_it_was(args: list[Any], kwargs: dict[str, Any]) -> None:
    try:
        args_text, kwargs_text = check(args, kwargs, LIMIT)
    except InvalidArguments:
        return
    assert json.loads(args_text.encode()) == args
    assert json.loads(kwargs_text.encode()) == kwargs
