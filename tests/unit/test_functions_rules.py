"""Which names run: TASK_WORKER["ALLOWED"], STRICT, installed apps, @task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from django_task_worker.exceptions import TaskNotAllowed, UnknownTask
from django_task_worker.functions import resolve
from tests.unit.conftest import LANDMINE, loaded_by

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.conftest import ProjectFolder


class TestAllowed:
    def test_a_module_elsewhere_runs_when_its_prefix_is_allowed(
        self, shop: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "foreign.py").write_text("def run(): return 5")
        monkeypatch.syspath_prepend(tmp_path / "elsewhere")
        shop.configure(ALLOWED=["foreign"])
        assert resolve("foreign.run")() == 5

    def test_a_prefix_ends_at_a_dot(self, shop: ProjectFolder) -> None:
        shop.configure(ALLOWED=["shop.task"], STRICT=True)
        with pytest.raises(TaskNotAllowed):
            resolve("shop.tasks.add")

    @pytest.mark.parametrize("prefix", ["shop", "shop.tasks", "shop.tasks.add"])
    def test_packages_modules_and_single_functions_can_be_allowed(
        self, shop: ProjectFolder, prefix: str
    ) -> None:
        shop.configure(ALLOWED=[prefix], STRICT=True)
        assert resolve("shop.tasks.add")(1, 2) == 3

    def test_an_allowed_module_offers_its_own_functions_only(self, shop: ProjectFolder) -> None:
        shop.configure(ALLOWED=["shop.tasks", "os"])
        for name in ["shop.tasks.os.system", "shop.tasks.mkdir", "os.system", "os.mkdir"]:
            with pytest.raises(TaskNotAllowed):
                resolve(name)

    def test_a_missing_allowed_module_is_unknown(self, shop: ProjectFolder) -> None:
        shop.configure(ALLOWED=["later"])
        with pytest.raises(UnknownTask):
            resolve("later.tasks.run")


class TestStrict:
    def test_only_allowed_and_registered_names_run(self, shop: ProjectFolder) -> None:
        shop.write("mined.py", LANDMINE)
        shop.configure(STRICT=True)
        assert loaded_by("mined.run") == set()
        assert loaded_by("shop.tasks.add") == set()

    def test_a_function_under_task_runs_once_its_module_is_loaded(self, shop: ProjectFolder) -> None:
        shop.write(
            "decorated.py",
            """
            from django_task_worker import task

            @task
            def run():
                return 6

            def other():
                return 7
            """,
        )
        shop.configure(STRICT=True)
        with pytest.raises(TaskNotAllowed):
            resolve("decorated.run")
        __import__("decorated")
        assert resolve("decorated.run")() == 6
        with pytest.raises(TaskNotAllowed):
            resolve("decorated.other")


class TestInstalledApps:
    @pytest.fixture
    def elsewhere(
        self, shop: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> Path:
        folder = tmp_path / "elsewhere"
        (folder / "plugin").mkdir(parents=True)
        (folder / "plugin" / "__init__.py").touch()
        monkeypatch.syspath_prepend(folder)
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "plugin"]
        return folder / "plugin"

    def test_the_tasks_module_of_an_app_elsewhere_runs(self, elsewhere: Path) -> None:
        (elsewhere / "tasks.py").write_text("def run(): return 9")
        assert resolve("plugin.tasks.run")() == 9

    def test_modules_below_its_tasks_package_run(self, elsewhere: Path) -> None:
        (elsewhere / "tasks").mkdir()
        (elsewhere / "tasks" / "__init__.py").touch()
        (elsewhere / "tasks" / "mail.py").write_text("def send(): return 10")
        assert resolve("plugin.tasks.mail.send")() == 10

    def test_its_other_modules_do_not(self, elsewhere: Path) -> None:
        (elsewhere / "views.py").write_text(LANDMINE)
        (elsewhere / "tasks_old.py").write_text(LANDMINE)
        assert loaded_by("plugin.views.index") == set()
        assert loaded_by("plugin.tasks_old.run") == set()

    def test_an_app_without_tasks_is_unknown(self, elsewhere: Path) -> None:
        with pytest.raises(UnknownTask):
            resolve("plugin.tasks.run")
        with pytest.raises(UnknownTask):
            resolve("django.contrib.auth.tasks.run")
