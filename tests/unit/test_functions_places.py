"""Where the modules that may run lie."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from django_task_worker.exceptions import ConfigurationError, TaskNotAllowed
from django_task_worker.functions import forget, places, project_folder, resolve
from tests.unit.conftest import LANDMINE, loaded_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import ProjectFolder


def test_manage_py_and_the_settings_module_are_not_imported(
    shop: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("manage.py", LANDMINE)
    shop.write("shop/settings.py", LANDMINE)
    monkeypatch.setattr("django_task_worker.functions.places.settings_module", lambda: "shop.settings")
    assert loaded_by("manage.main") == set()
    assert loaded_by("shop.settings.show_toolbar") == set()


def test_a_link_to_a_file_outside_is_refused_and_not_imported(shop: ProjectFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "work.py").write_text(LANDMINE)
    (shop.path / "linked.py").symlink_to(outside / "work.py")
    (shop.path / "folder").symlink_to(outside)
    assert loaded_by("linked.run") == set()
    assert loaded_by("folder.work.run") == set()


def test_a_package_whose_init_lies_outside_is_refused_with_all_it_holds(
    shop: ProjectFolder, tmp_path: Path
) -> None:
    (tmp_path / "init.py").write_text(LANDMINE)
    shop.write("pack/work.py", "def run(): ...")
    (shop.path / "pack" / "__init__.py").symlink_to(tmp_path / "init.py")
    assert loaded_by("pack.work.run") == set()


def test_a_link_within_the_project_is_allowed(shop: ProjectFolder) -> None:
    (shop.path / "linked").symlink_to(shop.path / "shop")
    assert resolve("linked.tasks.add")(1, 1) == 2


def test_a_project_reached_through_a_link_is_the_project(
    shop: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "current").symlink_to(shop.path)
    sys.path.remove(str(shop.path))
    monkeypatch.syspath_prepend(tmp_path / "current")
    forget()
    assert resolve("shop.tasks.add")(1, 2) == 3


@pytest.mark.parametrize("name", ["site-packages", "dist-packages"])
def test_modules_of_others_do_not_count_even_inside_the_project(
    shop: ProjectFolder, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(f".venv/lib/{name}/other.py", LANDMINE)
    monkeypatch.syspath_prepend(shop.path / ".venv" / "lib" / name)
    assert loaded_by("other.run") == set()


def test_the_virtual_environment_inside_the_project_does_not_count(
    shop: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("env/work.py", LANDMINE)
    monkeypatch.setattr(sys, "prefix", str(shop.path / "env"))
    forget()
    assert loaded_by("env.work.run") == set()


def test_a_project_inside_the_prefix_of_python_counts(
    shop: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))  # as with /usr and /usr/src/app
    forget()
    assert resolve("shop.tasks.add")(1, 2) == 3


def test_a_module_on_another_folder_of_the_path_does_not_count(
    shop: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "foreign.py").write_text(LANDMINE)
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert loaded_by("foreign.run") == set()


def test_a_folder_of_the_project_that_is_on_the_path_itself_does_not_count(
    shop: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("lib/inner.py", LANDMINE)
    monkeypatch.syspath_prepend(shop.path / "lib")
    assert loaded_by("inner.run") == set()


def test_a_file_that_a_module_of_python_hides_is_told_so(shop: ProjectFolder) -> None:
    shop.write("os.py", LANDMINE)
    with pytest.raises(TaskNotAllowed, match="os is a module of Python itself"):
        resolve("os.run")


class TestProjectFolder:
    @pytest.fixture
    def found(
        self, project: ProjectFolder, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[str], Path]:
        """Imports a settings module and says where the project folder is by it."""

        def found(module: str) -> Path:
            settings.TASK_WORKER = {}
            monkeypatch.setattr(places, "settings_module", lambda: module)
            importlib.import_module(module)
            forget()
            return project_folder()

        return found

    @pytest.mark.parametrize(
        ("files", "module"),
        [
            (["conf_a/__init__.py", "conf_a/settings.py"], "conf_a.settings"),
            (["conf_b/settings.py"], "conf_b.settings"),
            (["conf_c.py"], "conf_c"),
            (["conf_d/__init__.py"], "conf_d"),
            (["conf_e/settings/__init__.py"], "conf_e.settings"),
            (
                ["conf_f/__init__.py", "conf_f/settings/__init__.py", "conf_f/settings/prod.py"],
                "conf_f.settings.prod",
            ),
        ],
    )
    def test_it_holds_the_top_package_of_the_settings_module(
        self, project: ProjectFolder, found: Callable[[str], Path], files: list[str], module: str
    ) -> None:
        for file in files:
            project.write(file)
        assert found(module) == project.path

    def test_a_linked_settings_folder_does_not_move_it(
        self, project: ProjectFolder, found: Callable[[str], Path], tmp_path: Path
    ) -> None:
        (tmp_path / "shared").mkdir()
        (tmp_path / "shared" / "settings.py").touch()
        (project.path / "conf_g").symlink_to(tmp_path / "shared")
        assert found("conf_g.settings") == project.path

    def test_project_dir_overrides_it(self, project: ProjectFolder, tmp_path: Path) -> None:
        project.configure(PROJECT_DIR=tmp_path)
        assert project_folder() == tmp_path

    def test_settings_made_in_code_leave_it_unknown_and_nothing_in_it(
        self, shop: ProjectFolder, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.TASK_WORKER = {}
        monkeypatch.setattr(places, "settings_module", lambda: None)
        with pytest.raises(ConfigurationError, match="PROJECT_DIR"):
            project_folder()
        with pytest.raises(TaskNotAllowed):
            resolve("shop.tasks.add")

    def test_a_plain_startproject_needs_no_setting(self, tmp_path: Path) -> None:
        root = str(Path(__file__).parents[2])
        environment = {"PYTHONPATH": root, "PATH": os.environ["PATH"]}
        startproject = [sys.executable, "-m", "django", "startproject", "mysite", str(tmp_path)]
        subprocess.run(startproject, env=environment, timeout=60, check=True)
        (tmp_path / "app").mkdir()
        (tmp_path / "app" / "tasks.py").write_text("def multiply_numbers(a, b): return a * b")
        program = (
            "from django_task_worker.functions import resolve\n"
            "print(resolve('app.tasks.multiply_numbers')(2, 3))"
        )
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", program],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("6\n", "")


def test_own_files_are_neither_pythons_nor_installed() -> None:
    import django.db.models  # noqa: F401

    files = places.own_files()
    assert os.path.realpath(places.__file__) in files
    assert os.path.realpath(os.__file__) not in files
    assert not [file for file in files if "site-packages" in file]
