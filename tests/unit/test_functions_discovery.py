"""Which tasks a project offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_task_worker.functions import TaskInfo, TaskOptions, discover, outline
from tests.unit.conftest import LANDMINE

if TYPE_CHECKING:
    from tests.unit.conftest import ProjectFolder


@pytest.fixture
def project(project: ProjectFolder) -> ProjectFolder:
    project.write(
        "store/tasks.py",
        '''
        from django_task_worker import task
        from os.path import join

        @task(queue="mail")
        def send(to: str, *, copy: bool = False) -> None:
            """Sends a mail.

            And more.
            """

        async def report(): ...

        def numbers():
            yield 1

        def _hidden(): ...

        TEXT = """
        def not_a_function(): ...
        """
        ''',
    )
    project.write("mytasks.py", "def work(a, b=2): ...")
    project.write("deep/down/mail_tasks.py", "def post(): ...")
    return project


def names(pattern: str = "*") -> list[str]:
    return [info.name for info in discover(pattern)]


def test_the_functions_of_tasks_modules_are_offered_by_name(project: ProjectFolder) -> None:
    assert names() == ["deep.down.mail_tasks.post", "mytasks.work", "store.tasks.report", "store.tasks.send"]


def test_each_comes_with_its_signature_first_line_and_options(project: ProjectFolder) -> None:
    assert list(discover("store.tasks.send")) == [
        TaskInfo(
            name="store.tasks.send",
            signature="(to: str, *, copy: bool = False)",
            doc="Sends a mail.",
            options=TaskOptions(queue="mail"),
        )
    ]


def test_a_pattern_selects_and_other_modules_are_not_imported(project: ProjectFolder) -> None:
    project.write("mined_tasks.py", LANDMINE + "def run(): ...")
    assert names("store.*") == ["store.tasks.report", "store.tasks.send"]


def test_modules_that_may_not_run_are_not_imported(project: ProjectFolder) -> None:
    for folder in ["site-packages", ".venv", "node_modules", "shop/migrations"]:
        project.write(f"{folder}/tasks.py", LANDMINE + "def run(): ...")
    project.write("venv/pyvenv.cfg")
    project.write("venv/lib/tasks.py", LANDMINE + "def run(): ...")
    project.write("views.py", LANDMINE + "def index(): ...")
    project.write("manage.py", LANDMINE + "def main(): ...")
    assert not [name for name in names() if name.endswith((".run", ".index", ".main"))]


def test_a_link_to_a_folder_outside_is_not_followed(project: ProjectFolder) -> None:
    outside = project.path.parent / "outside"
    outside.mkdir()
    (outside / "tasks.py").write_text(LANDMINE + "def run(): ...")
    (project.path / "linked").symlink_to(outside)
    (project.path / "linked_tasks.py").symlink_to(outside / "tasks.py")
    assert not [name for name in names() if name.endswith(".run")]


def test_a_module_that_cannot_be_imported_is_told_once_and_does_not_hide_the_others(
    project: ProjectFolder,
) -> None:
    project.write("broken_tasks.py", "import does_not_exist_here\ndef a(): ...\ndef b(): ...")
    told: list[str] = []
    offered = [
        info.name for info in discover(on_error=lambda module, error: told.append(f"{module}: {error}"))
    ]
    assert told == ["broken_tasks: No module named 'does_not_exist_here'"]
    assert "mytasks.work" in offered


def test_under_strict_only_registered_functions_are_offered(project: ProjectFolder) -> None:
    list(discover())
    project.configure(STRICT=True)
    assert names() == ["store.tasks.send"]


def test_a_task_decorated_elsewhere_is_offered_once_loaded(project: ProjectFolder) -> None:
    project.write("services.py", "from django_task_worker import task\n@task\ndef bill(): ...")
    assert "services.bill" not in names()
    __import__("services")
    assert "services.bill" in names()


def test_unreadable_sources_are_passed_over(project: ProjectFolder) -> None:
    (project.path / "binary_tasks.py").write_bytes(b"\x00\xff\xfe def x(): ...")
    (project.path / "gone_tasks.py").symlink_to(project.path / "nowhere.py")
    (project.path / "folder_tasks.py").mkdir()
    assert "mytasks.work" in names()


def test_the_outline_is_read_from_the_sources_and_imports_nothing(project: ProjectFolder) -> None:
    project.write("mined_tasks.py", LANDMINE + "async def run(a: 'int' = (1, 2), /, *rest, b={'x': 1}): ...")
    project.write("half_tasks.py", "def done(): ...\ndef begun(")
    project.write("odd_tasks.py", r'def speak(text="\d"): ...')
    assert outline() == {
        "deep.down.mail_tasks.post": "()",
        "half_tasks.begun": "",
        "half_tasks.done": "",
        "mined_tasks.run": "(a: 'int'=(1, 2), /, *rest, b={'x': 1})",
        "mytasks.work": "(a, b=2)",
        "odd_tasks.speak": "(text='\\\\d')",
        "store.tasks.numbers": "()",
        "store.tasks.report": "()",
        "store.tasks.send": "(to: str, *, copy: bool=False)",
    }


def test_the_outline_knows_what_is_loaded_better(project: ProjectFolder) -> None:
    list(discover())
    assert outline()["store.tasks.send"] == "(to: str, *, copy: bool = False)"
    project.configure(STRICT=True)
    assert list(outline()) == ["store.tasks.send"]
