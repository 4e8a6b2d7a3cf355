"""How `enqueue` reads its arguments."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskctl import call
from taskctl.errors import CommandError

FLAGS = ["--wait", "--timeout", "--queue"]


@pytest.mark.parametrize(
    ("words", "args", "kwargs"),
    [
        (["1", "-2", "1.5e3"], [1, -2, 1500.0], {}),
        (["007", "1_000"], ["007", "1_000"], {}),
        (["hello", "a b"], ["hello", "a b"], {}),
        (["http://x/?a=b"], ["http://x/?a=b"], {}),
        (["x="], [], {"x": ""}),
        (["true", "null"], [True, None], {}),
        (["[1,2]", 'd={"a":1}'], [[1, 2]], {"d": {"a": 1}}),
        (["str:42", "zip=str:01234"], ["42"], {"zip": "01234"}),
        (["1.10", "str:1.10"], [1.1, "1.10"], {}),
        (["str:abc=="], ["abc=="], {}),
        (["str:a=b", "str:str:x"], ["a=b", "str:x"], {}),
        (['json:{"a": 1}', "k=json:[1]"], [{"a": 1}], {"k": [1]}),
        (["NaN", "Infinity", "-Infinity", "1e999"], ["NaN", "Infinity", "-Infinity", "1e999"], {}),
        (["", " 1"], ["", 1], {}),
        (["-", "-.5", "-1.5e-3"], ["-", "-.5", -0.0015], {}),
        (["a=b=c", "=x"], ["=x"], {"a": "b=c"}),
        (["class=1", "ünï=2"], [], {"class": 1, "ünï": 2}),
        (['"42"'], ["42"], {}),
        (["9" * 5000], ["9" * 5000], {}),
        (["[" * 100_000], ["[" * 100_000], {}),
        (["[1e999]"], ["[1e999]"], {}),
    ],
)
def test_words_become_values(words: list[str], args: list[Any], kwargs: dict[str, Any]) -> None:
    read = call.read(words, flags=FLAGS)
    assert (read.args, read.kwargs) == (args, kwargs)
    assert [type(value) for value in read.args] == [type(value) for value in args]


def test_after_the_double_dash_nothing_is_a_flag() -> None:
    assert call.read([], ["--verbose", "-x", "k=--wait"]).args == ["--verbose", "-x"]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
        max_leaves=10,
    )
)
def test_every_json_value_can_be_handed_over(value: Any) -> None:
    assert call.read([f"json:{json.dumps(value)}"]).args == [value]


@given(st.text())
def test_every_text_can_be_handed_over(text: str) -> None:
    assert call.read([f"str:{text}", f"key=str:{text}"]) == call.Call([text], {"key": text}, {})


@given(st.text())
def test_whatever_is_typed_is_json_or_itself(word: str) -> None:
    value = call.value(word, "argument 1") if not word.startswith(("str:", "json:")) else word
    assert value == word or json.loads(word) == value
    assert not (isinstance(value, float) and not math.isfinite(value))


def test_numbers_are_remembered_with_the_word_that_was_typed() -> None:
    assert call.read(["1", "x", "n=2.50", "true", "json:3"]).numbers == {0: "1", "n": "2.50"}


def refusal(*words: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        call.read(list(words), flags=FLAGS)
    return caught.value


def test_a_mistyped_flag_is_an_error_with_the_nearest_one() -> None:
    error = refusal("1", "--wiat")
    assert error.message == "no such option: --wiat. Did you mean --wait?"
    assert error.tries == ("to hand it to the task, put it after '--'",)
    assert refusal("--queu=x").message == "no such option: --queu. Did you mean --queue?"
    assert refusal("-x").message == "no such option: -x"


def test_a_repeated_key_is_an_error() -> None:
    assert refusal("a=1", "a=2").message == "argument 'a' is given twice"


def test_bad_json_shows_where_and_how_to_write_it() -> None:
    error = refusal("1", "json:{'a': 1}")
    assert error.message == "argument 2 is not valid JSON (you wrote json:, so it must be)"
    assert error.facts == ("json:{'a': 1}", "      ^ expected a double quote")
    assert error.tries == ("""'json:{"a": 1}'      single quotes outside, double quotes inside""",)
    assert (error.code, error.exit) == ("bad-json", 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("json:", "expected a value"),
        ("json:[1", "expected a comma"),
        ('json:{"a" 1}', "expected a colon"),
        ("json:1 2", "nothing may follow"),
        ('json:"a', "does not end"),
        ("json:NaN", "NaN is not JSON"),
        ("json:1e999", "too large"),
        ("json:" + "[" * 100_000, "nested too deep"),
    ],
)
def test_bad_json_says_what_is_wrong_in_plain_words(text: str, reason: str) -> None:
    error = refusal(text)
    assert reason in " ".join(error.facts)
    assert sum(map(len, error.facts)) < 1000


def test_the_caret_stays_under_the_mistake_in_a_long_text() -> None:
    shown, caret = refusal("json:[" + "1, " * 100 + "x]").facts
    assert shown[caret.index("^")] == "x"


def test_a_call_is_written_as_python_writes_it() -> None:
    assert call.written("app.add", [1, "x"], {"scale": 1.5}) == "app.add(1, 'x', scale=1.5)"
    assert len(call.written("app.add", ["x" * 1000], {})) == 200
