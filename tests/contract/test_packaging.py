"""What the wheel holds and what it says about itself."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import django_task_worker

ROOT = Path(django_task_worker.__file__).parents[1]


@pytest.fixture(scope="module")
def files(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(files: dict[str, str]) -> Message:
    return Parser().parsestr(next(text for name, text in files.items() if name.endswith("/METADATA")))


def test_the_wheel_is_named_after_the_version(wheel: Path) -> None:
    assert wheel.name == f"django_task_worker-{django_task_worker.__version__}-py3-none-any.whl"


def test_the_wheel_holds_every_module_of_both_packages(files: dict[str, str]) -> None:
    for package in ("django_task_worker", "taskctl"):
        modules = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}
        assert modules <= set(files)
        assert f"{package}/py.typed" in files


def test_the_wheel_holds_the_migrations_of_the_old_version(files: dict[str, str]) -> None:
    assert "django_task_worker/migrations/0001_initial.py" in files
    assert "django_task_worker/migrations/0002_databasetask_next_attempt_at.py" in files


def test_the_wheel_holds_the_completions_of_every_shell(files: dict[str, str]) -> None:
    from taskctl.shells import SHELLS

    for shell in SHELLS.values():
        assert files[f"taskctl/completions/{shell.file}"] == (ROOT / "completions" / shell.file).read_text()
    assert not [name for name in files if "generate" in name]


def test_the_wheel_holds_nothing_else(files: dict[str, str]) -> None:
    tops = {name.split("/")[0] for name in files}
    version = django_task_worker.__version__
    assert tops == {"django_task_worker", "taskctl", f"django_task_worker-{version}.dist-info"}
    assert not [name for name in files if "__pycache__" in name]


def test_the_only_script_is_taskctl(files: dict[str, str]) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(next(text for name, text in files.items() if name.endswith("/entry_points.txt")))
    assert {section: dict(entries[section]) for section in entries.sections()} == {
        "console_scripts": {"taskctl": "taskctl.__main__:main"}
    }


def test_the_metadata_says_what_it_needs(metadata: Message) -> None:
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert set(metadata.get_all("Provides-Extra", [])) >= {"postgres", "mysql"}
    needs = [need for need in metadata.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert {need.split(">")[0].lower() for need in needs} == {"django", "redis", "rich", "shortuuid", "typer"}


def test_the_description_is_the_readme(metadata: Message) -> None:
    assert metadata.get_payload() == (ROOT / "README.md").read_text()


def test_the_lock_names_no_address() -> None:
    lock = (ROOT / "tests" / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--index-url" not in lock


def test_a_module_run_as_taskctl_is_the_script(tmp_path: Path) -> None:
    script = subprocess.run(
        [Path(sys.executable).parent / "taskctl", "--version"], capture_output=True, text=True, check=True
    )
    module = subprocess.run(
        [sys.executable, "-m", "taskctl", "--version"], capture_output=True, text=True, check=True
    )
    assert script.stdout == module.stdout
