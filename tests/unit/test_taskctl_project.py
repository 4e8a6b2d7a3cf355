"""Which project a command is meant for."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskctl import embedded, markers, project
from taskctl.errors import CommandError
from taskctl.flags import Globals
from taskctl.project import Found

STARTPROJECT = """
import os, sys
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "shop"
    (folder / "scripts").mkdir(parents=True)
    return folder


def find(start: Path, *, create: bool = False, flags: Globals | None = None, **environ: str) -> Found:
    return project.find(flags or Globals(), environ, start, command="list", create=create)


def test_the_settings_flag_wins_over_everything(top: Path) -> None:
    (top / "manage.py").write_text(STARTPROJECT)
    found = find(top, flags=Globals(settings="a.b"), DJANGO_SETTINGS_MODULE="c.d")
    assert (found.settings, found.told_by, found.folder) == ("a.b", "--settings", top)


def test_the_variable_is_next_and_the_folder_of_manage_py_goes_on_the_path(top: Path) -> None:
    (top / "manage.py").write_text(STARTPROJECT)
    found = find(top / "scripts", DJANGO_SETTINGS_MODULE="c.d")
    assert (found.settings, found.told_by, found.folder) == ("c.d", "DJANGO_SETTINGS_MODULE", top)


def test_without_a_marker_the_working_directory_goes_on_the_path(top: Path) -> None:
    assert find(top / "scripts", DJANGO_SETTINGS_MODULE="c.d").folder == top / "scripts"


def test_pyproject_is_next(top: Path) -> None:
    (top / "manage.py").write_text(STARTPROJECT)
    (top / "pyproject.toml").write_text('[tool.taskctl]\nsettings = "p.q"\n')
    found = find(top / "scripts")
    assert (found.settings, found.folder) == ("p.q", top)
    assert found.told_by == "[tool.taskctl] in ~/shop/pyproject.toml"


def test_manage_py_below_pyproject_says_which_folder_goes_on_the_path(top: Path) -> None:
    (top / "pyproject.toml").write_text('[tool.taskctl]\nsettings = "p.q"\n')
    (top / "scripts" / "manage.py").write_text(STARTPROJECT)
    assert find(top / "scripts").folder == top / "scripts"


def test_manage_py_is_read_and_not_run(top: Path) -> None:
    (top / "manage.py").write_text("raise SystemExit('ran')\n" + STARTPROJECT)
    found = find(top / "scripts")
    assert (found.settings, found.told_by, found.folder) == ("config.settings", "~/shop/manage.py", top)


def test_a_manage_py_may_name_its_configuration(top: Path) -> None:
    text = 'os.environ["DJANGO_SETTINGS_MODULE"] = "s"\nos.environ.setdefault("DJANGO_CONFIGURATION", "Dev")'
    (top / "manage.py").write_text(text)
    assert find(top).configuration == "Dev"
    assert find(top, DJANGO_CONFIGURATION="Prod").configuration == "Prod"


@pytest.mark.parametrize("text", ["", "def (", "\0", "x = 'DJANGO_SETTINGS_MODULE'", "é" * 10, "(" * 10_000])
def test_a_manage_py_that_says_nothing_is_passed_over(top: Path, text: str) -> None:
    (top / "manage.py").write_text(text)
    assert markers.read_manage(top / "manage.py") is None


def test_the_project_flag_says_where_to_look(top: Path, tmp_path: Path) -> None:
    (top / "manage.py").write_text(STARTPROJECT)
    found = find(tmp_path, flags=Globals(project="shop"))
    assert (found.settings, found.folder) == ("config.settings", top)
    with pytest.raises(CommandError, match="no such folder"):
        find(tmp_path, flags=Globals(project="nowhere"))


def test_the_search_ends_at_a_repository(top: Path, tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(STARTPROJECT)
    assert find(top / "scripts").settings == "config.settings"
    (top / ".git").mkdir()
    with pytest.raises(CommandError) as caught:
        find(top / "scripts")
    assert caught.value.facts[1] == "from:      ~/shop/scripts upwards to ~/shop"


def test_the_search_ends_at_home(top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manage.py").write_text(STARTPROJECT)
    monkeypatch.setenv("HOME", str(top))
    with pytest.raises(CommandError, match="can't find your Django settings"):
        find(top / "scripts")


def test_folders_that_anybody_may_write_to_are_not_trusted(top: Path, tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(STARTPROJECT)
    tmp_path.chmod(0o1777)
    with pytest.raises(CommandError, match="can't find your Django settings"):
        find(top)
    assert find(tmp_path).settings == "config.settings"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = t.s\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\nDJANGO_SETTINGS_MODULE = "t.s"\n'),
        ("pyproject.toml", '[tool.pytest]\nDJANGO_SETTINGS_MODULE = "t.s"\n'),
    ],
)
def test_settings_for_tests_are_only_a_hint(top: Path, name: str, text: str) -> None:
    (top / name).write_text(text)
    (top / "tasks.py").touch()
    with pytest.raises(CommandError) as caught:
        find(top, create=True)
    assert caught.value.facts[2] == "for tests: t.s (pytest's, in ~/shop); if it is right: --settings t.s"


def test_only_some_commands_make_the_embedded_default(top: Path) -> None:
    (top / "mytasks.py").touch()
    with pytest.raises(CommandError, match="can't find"):
        find(top)
    found = find(top, create=True)
    assert (found.settings, found.folder, found.told_by) == (None, top, "embedded default")


def test_an_existing_embedded_default_is_found_from_below(top: Path) -> None:
    embedded.store(top).parent.mkdir()
    embedded.store(top).touch()
    assert find(top / "scripts").folder == top


def test_a_folder_without_code_gets_no_embedded_default(top: Path) -> None:
    with pytest.raises(CommandError, match="can't find"):
        find(top, create=True)


def test_the_home_folder_gets_no_embedded_default(top: Path, tmp_path: Path) -> None:
    (tmp_path / "x.py").touch()
    with pytest.raises(CommandError, match="can't find"):
        find(tmp_path, create=True)


def test_a_broken_pyproject_is_passed_over(top: Path) -> None:
    (top / "pyproject.toml").write_text("[tool.taskctl\nsettings=")
    (top / "manage.py").write_text(STARTPROJECT)
    assert find(top).settings == "config.settings"


@pytest.mark.parametrize(
    ("environ", "zone"),
    [
        ({"TZ": "Europe/Berlin"}, "Europe/Berlin"),
        ({"TZ": ":Asia/Tokyo"}, "Asia/Tokyo"),
        ({"TZ": "../etc"}, "UTC"),
    ],
)
def test_the_embedded_default_takes_the_time_zone_of_the_machine(environ: dict[str, str], zone: str) -> None:
    assert embedded.time_zone(environ) == zone


def test_a_machine_without_a_time_zone_is_in_utc(tmp_path: Path) -> None:
    assert embedded.time_zone({}, tmp_path / "localtime") == "UTC"
