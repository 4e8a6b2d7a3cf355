"""Names from rows are keys, not import paths (reliability.md SEC-1): refused before anything is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_task_worker.exceptions import TaskNotAllowed
from django_task_worker.functions import resolve
from tests.unit.conftest import LANDMINE, loaded_by

if TYPE_CHECKING:
    from tests.unit.conftest import ProjectFolder


HOSTILE = [
    "os.system",
    "os.mkdir",
    "os.path.join",
    "posix.system",
    "subprocess.call",
    "builtins.eval",
    "builtins.exec",
    "sys.exit",
    "importlib.import_module",
    "shop.tasks.os.system",
    "shop.tasks.signal.raise_signal",
    "shop.tasks.os.path.join",
    "shop.tasks.SomeModel.save",
    "shop.tasks.SomeModel.objects.all().delete",
    "shop.tasks.add.__globals__",
    "shop.tasks.__builtins__",
    "shop.tasks.__class__.mro",
    "shop.__init__.add",
    "__main__.main",
    "shop.tasks.__dict__.add",
    "django.core.management.call_command",
    "django.utils.autoreload.restart_with_reloader",
    "pytest.main",
    "pip._internal.main",
    "redis.from_url",
    "django_task_worker.client.create_task",
    "shop.tasks.add\0",
    "shop.tasks.add\n",
    "\nshop.tasks.add",
    "shop.tasks.add ",
    "shop.tasks\0.add",
    "shop/tasks.add",
    "../shop.tasks.add",
    "..shop.tasks.add",
    ".shop.tasks.add",
    "shop..tasks.add",
    "shop.tasks.",
    "shop.tasks.add()",
    "shop.tasks:add",
    "shop.tasks.add;os.system",
    "shop.tasks.1",
    "sh\u043ep.tasks.add",  # a Cyrillic o
    "shop.tasks.\u0430dd",
    "shop.t\u0430sks.add",
    "shop.tasks.\uff41dd",  # a full-width a
    "\ufb01le.tasks.add",  # the ligature fi
    "shop.tasks.a\u200bdd",
    "shop.tasks.\u202eadd",
    "shop.tasks.\ud800",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_and_imports_nothing(shop: ProjectFolder, name: str) -> None:
    resolve("shop.tasks.add")  # what the attacks on its attributes need
    before = set(sys.modules)
    with pytest.raises(TaskNotAllowed) as refused:
        resolve(name)
    assert set(sys.modules) == before
    assert str(refused.value).isprintable()
    assert str(shop.path) not in str(refused.value)


def test_a_name_that_is_too_long_or_empty_or_no_text_is_refused(shop: ProjectFolder) -> None:
    for name in ["", "a" * 255 + ".b", "a." * 200_000 + "b", "a" * 1_000_000, "größe"]:
        with pytest.raises(TaskNotAllowed) as refused:
            resolve(name)
        assert len(str(refused.value)) < 300
    for value in [None, 3, ["shop.tasks.add"], b"shop.tasks.add", {}]:
        with pytest.raises(TaskNotAllowed):
            resolve(value)  # type: ignore[arg-type]


@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.one_of(st.text(max_size=60), st.from_regex(r"\A[a-z_.]{1,30}\Z")))
def test_whatever_the_text_a_name_without_function_is_refused_and_imports_nothing(
    shop: ProjectFolder, name: str
) -> None:
    assert loaded_by(name) == set()


def test_a_refused_module_in_the_middle_of_the_path_is_not_imported(shop: ProjectFolder) -> None:
    shop.write("site-packages/mine/__init__.py", LANDMINE)
    shop.write("site-packages/mine/work.py", "def run(): ...")
    sys.path.append(str(shop.path / "site-packages"))
    try:
        with pytest.raises(TaskNotAllowed, match="not part of this project"):
            resolve("mine.work.run")
    finally:
        sys.path.remove(str(shop.path / "site-packages"))


def test_walking_into_a_module_does_not_import_it(shop: ProjectFolder) -> None:
    shop.write("mined.py", LANDMINE)
    with pytest.raises(TaskNotAllowed, match="mined is a module"):
        resolve("mined.os.system")


AUDITED = """
import json, os, sys
import django
django.setup()
import difflib
from django_task_worker.exceptions import TaskNotAllowed
from django_task_worker.functions import resolve
resolve("shop.tasks.add")

done = []
sys.addaudithook(lambda event, args: event in ("import", "exec") and done.append(f"{event} {args[0]}"))
for name in json.loads(sys.argv[1]):
    try:
        resolve(name)
    except TaskNotAllowed:
        pass
    else:
        done.append(f"ran {name!r}")
print(json.dumps(done))
"""


def test_refusing_names_runs_no_code_and_imports_nothing(shop: ProjectFolder) -> None:
    shop.write("config/__init__.py")
    shop.write("config/settings.py", "USE_TZ = True\nINSTALLED_APPS = ['django_task_worker']")
    path = os.pathsep.join([str(shop.path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", AUDITED, json.dumps(HOSTILE)],
        env={"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": path},
        cwd=shop.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == []
