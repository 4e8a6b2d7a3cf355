"""From a name to its function, or to the truth about why not."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from django_task_worker.exceptions import TaskNotAllowed, UnknownTask
from django_task_worker.functions import forget, resolve
from tests.unit.conftest import LANDMINE

if TYPE_CHECKING:
    from tests.unit.conftest import ProjectFolder


def test_a_function_of_a_module_in_the_project_folder_runs_without_any_setting(shop: ProjectFolder) -> None:
    assert resolve("shop.tasks.add")(2, 3) == 5


def test_an_async_function_and_a_private_one_are_functions_too(shop: ProjectFolder) -> None:
    assert resolve("shop.tasks.wait").__name__ == "wait"
    assert resolve("shop.tasks._hidden")() == "hidden"


def test_a_module_beside_manage_py_in_no_package_runs(shop: ProjectFolder) -> None:
    shop.write("loose.py", "def double(a): return 2 * a")
    assert resolve("loose.double")(2) == 4


def test_a_folder_without_init_is_a_package(shop: ProjectFolder) -> None:
    shop.write("space/deep/work.py", "def run(): return 7")
    assert resolve("space.deep.work.run")() == 7


def test_functions_in_the_init_of_a_package_run(shop: ProjectFolder) -> None:
    shop.write("pack/__init__.py", "def run(): return 8")
    assert resolve("pack.run")() == 8


def test_a_decorator_that_uses_wraps_keeps_the_function_a_task(shop: ProjectFolder) -> None:
    assert resolve("shop.tasks.wrapped")(2) == 20


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("mkdir", "builtin_function_or_method"),
        ("call", "defined in subprocess"),
        ("dumps", "defined in json"),
        ("os", "a module"),
        ("SomeModel", "a class"),
        ("partial", "a partial"),
        ("instance", "a Callable"),
        ("bound", "a method"),
        ("number", "a int"),
        ("_private", "NoneType"),
        ("cached", "lru_cache_wrapper"),
        ("alias", "another name of add"),
        ("anonymous", "another name of <lambda>"),
        ("unwrapped", "functools.wraps"),
        ("numbers", "a generator"),
        ("stream", "a generator"),
    ],
)
def test_what_is_not_a_plain_function_of_the_module_is_refused(
    shop: ProjectFolder, attribute: str, reason: str
) -> None:
    with pytest.raises(TaskNotAllowed, match=reason):
        resolve(f"shop.tasks.{attribute}")


def test_a_name_with_letters_outside_ascii_runs_when_the_project_has_it(shop: ProjectFolder) -> None:
    assert resolve("shop.tasks.größe")() == 1


class TestUnknown:
    def test_a_missing_module_says_so_with_the_nearest_names(self, shop: ProjectFolder) -> None:
        with pytest.raises(UnknownTask) as unknown:
            resolve("shop.task.add")
        assert str(unknown.value) == "no task named 'shop.task.add'"
        assert unknown.value.suggestions[0] == "shop.tasks.add"
        assert unknown.value.__notes__ == ["there is no module 'shop.task' here"]

    def test_a_missing_function_says_so_with_the_nearest_names(self, shop: ProjectFolder) -> None:
        shop.write("loose.py", "def double(a): return 2 * a")
        with pytest.raises(UnknownTask) as unknown:
            resolve("loose.doubl")
        assert unknown.value.suggestions == ("loose.double",)
        assert unknown.value.__notes__ == ["the module 'loose' has no function 'doubl'"]

    def test_a_function_without_its_module_finds_the_task_of_that_name(self, shop: ProjectFolder) -> None:
        with pytest.raises(UnknownTask) as unknown:
            resolve("wrapped")
        assert "shop.tasks.wrapped" in unknown.value.suggestions

    def test_looking_for_the_nearest_names_imports_nothing(self, shop: ProjectFolder) -> None:
        shop.write("other_tasks.py", "def add_many(): ...\n" + LANDMINE)
        with pytest.raises(UnknownTask) as unknown:
            resolve("other_tasks_.add_many")
        assert "other_tasks.add_many" in unknown.value.suggestions

    def test_a_module_that_appears_later_is_found(self, shop: ProjectFolder) -> None:
        with pytest.raises(UnknownTask):
            resolve("fresh.run")
        shop.write("fresh.py", "def run(): return 1")
        assert resolve("fresh.run")() == 1


class TestImport:
    """reliability.md F33 and S31: the true type and message, whatever the module does."""

    @pytest.mark.parametrize(
        ("source", "error", "message"),
        [
            ("import does_not_exist_here", ModuleNotFoundError, "No module named 'does_not_exist_here'"),
            ("from os import no_such_thing", ImportError, "cannot import name 'no_such_thing'"),
            ("raise AttributeError('mine')", AttributeError, "mine"),
            ("raise ModuleNotFoundError('no', name='broken')", ModuleNotFoundError, "no"),
            ("def run(:", SyntaxError, None),
            ("1 / 0", ZeroDivisionError, "division by zero"),
            ("raise SystemExit(3)", SystemExit, "3"),
            ("exit()", SystemExit, None),
            ("raise KeyboardInterrupt", KeyboardInterrupt, None),
        ],
    )
    def test_a_module_that_fails_is_reported_truthfully(
        self, shop: ProjectFolder, source: str, error: type[BaseException], message: str | None
    ) -> None:
        shop.write("broken.py", source)
        with pytest.raises(error, match=message):
            resolve("broken.run")

    def test_a_package_around_it_that_fails_is_reported_truthfully(self, shop: ProjectFolder) -> None:
        shop.write("pack/__init__.py", "import does_not_exist_here")
        shop.write("pack/work.py", "def run(): ...")
        with pytest.raises(ModuleNotFoundError, match="does_not_exist_here"):
            resolve("pack.work.run")

    def test_the_traceback_leads_straight_to_the_line_that_failed(self, shop: ProjectFolder) -> None:
        shop.write("broken.py", "import json\njson.loads('{')")
        with pytest.raises(ValueError, match="line 1") as failed:
            resolve("broken.run")
        files = [frame.filename for frame in traceback.extract_tb(failed.value.__traceback__)]
        assert not [file for file in files if "importlib" in file]
        assert str(shop.path / "broken.py") in files
        assert failed.value.__context__ is None

    def test_a_module_is_loaded_once(self, shop: ProjectFolder) -> None:
        shop.write("counted.py", "import shop\nshop.loads = getattr(shop, 'loads', 0) + 1\ndef run(): ...")
        first = resolve("counted.run")
        forget()
        assert resolve("counted.run") is first
        assert sys.modules["shop"].loads == 1

    def test_a_change_of_settings_is_seen(self, shop: ProjectFolder) -> None:
        resolve("shop.tasks.add")
        shop.configure(STRICT=True)
        with pytest.raises(TaskNotAllowed):
            resolve("shop.tasks.add")
