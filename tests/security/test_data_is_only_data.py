"""What comes from the database, from Redis or from a child is read as JSON, and as nothing that could run."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import django_task_worker
from tests.processes import Process
from tests.servers import Redis
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue

ROOT = Path(django_task_worker.__file__).parents[1]
HOOKS = Path(__file__).parent / "hooks"
MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}
WHO_IMPORTS_BY_NAME = {
    "django_task_worker/__init__.py": "its own names, from a table",
    "django_task_worker/functions/resolver.py": "a task's module, once its name is allowed",
    "taskctl/tree.py": "a command's module, from a table",
    "taskctl/database.py": "the migrations of this package",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in ("django_task_worker", "taskctl"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def names_in(node: ast.AST) -> list[str]:
    """The modules it imports, or the plain name it calls."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return [node.func.id]
    return []


def test_no_module_reads_what_could_run_code() -> None:
    for path, tree in sources():
        found = {name.split(".")[0] for node in ast.walk(tree) for name in names_in(node)}
        assert not found & (MODULES | CALLS), f"{path} uses {found & (MODULES | CALLS)}"


def test_only_these_import_by_name() -> None:
    found = {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        and getattr(node, "attr", getattr(node, "id", "")) in ("import_module", "import_string")
    }
    assert found <= set(WHO_IMPORTS_BY_NAME), found - set(WHO_IMPORTS_BY_NAME)


@on_postgres
def test_nothing_is_unpickled_at_run_time(
    worker: Callable[..., Process],
    environment: dict[str, str],
    redis: Redis,
    run: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    """Not even what looks as if it wanted to be."""
    audit = tmp_path / "audit"
    environment["PYTHONPATH"] = f"{HOOKS}{os.pathsep}{environment['PYTHONPATH']}"
    environment["AUDIT_FILE"] = str(audit)
    process = worker("--concurrency", 2)
    pickled = pickle.dumps(ValueError("x"), protocol=0).decode("ascii")
    assert ended(enqueue("echo", pickled)).status == "COMPLETED"
    assert ended(enqueue("fail", pickled)).error_type == "ValueError"
    assert ended(enqueue("add_later", 1, 2)).result == "3"
    for words in (["list", "--json"], ["enqueue", "app.tasks.echo", pickled, "--wait"], ["doctor"]):
        assert run(*words).returncode in (0, 1), words
    assert process.stop() == 0
    assert not audit.exists(), audit.read_text()


def test_the_witness_would_see_it(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    script = "import pickle, marshal, ast; pickle.loads(pickle.dumps(print)); marshal.loads(marshal.dumps(1))"
    subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(HOOKS), "AUDIT_FILE": str(audit)},
        check=True,
        timeout=60,
    )
    assert "pickle.find_class" in audit.read_text()
    assert "marshal.loads" in audit.read_text()
