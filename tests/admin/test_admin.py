"""The admin shows tasks, workers and queues and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_task_worker import admin
from django_task_worker.models import DatabaseTask, Queue, Worker

APP = "admin:django_task_worker"


@pytest.fixture
def viewer(using: str) -> Client:
    """Somebody who may view everything of this app, and no more."""
    user = _user("viewer", is_superuser=False)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="django_task_worker", codename__startswith="view_")
    )
    return _logged_in(user)


@pytest.fixture
def superuser(using: str) -> Client:
    return _logged_in(_user("root", is_superuser=True))


def _user(name: str, *, is_superuser: bool) -> User:
    return User.objects.get_or_create(username=name, is_staff=True, is_superuser=is_superuser)[0]


def _logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def store(**values: Any) -> DatabaseTask:
    return DatabaseTask.objects.create(**{"name": "app.tasks.add", "args": [1, 2], "kwargs": {}, **values})


def page(client: Client, view: str = "databasetask_changelist", *args: object, **query: object) -> str:
    response = client.get(reverse(f"{APP}_{view}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_shows_tasks_newest_first(viewer: Client) -> None:
    first, second = store(), store(status="COMPLETED", duration=0.25, worker="web1-7")
    html = page(viewer)
    assert html.index(second.id) < html.index(first.id)
    for text in ["app.tasks.add", "Completed", "default", "0.250 s", "1/?", "web1-7"]:
        assert text in html


def test_the_list_shows_the_first_line_of_an_error(viewer: Client) -> None:
    store(status="FAILED", error="\nno such customer\nsecond line " + "x" * 10_000)
    html = page(viewer)
    assert "no such customer" in html
    assert "second line" not in html


def test_the_list_reads_no_large_column_and_counts_no_more_than_its_cap(
    viewer: Client, using: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    DatabaseTask.objects.bulk_create(DatabaseTask(name="app.tasks.add") for _ in range(120))
    monkeypatch.setattr(admin, "MAX_COUNT", 100)
    with CaptureQueriesContext(connections[using]) as captured:
        html = page(viewer)
    assert "100 tasks" in html
    statements = [query["sql"] for query in captured if "databasetask" in query["sql"].lower()]
    assert len(statements) == 2
    counts = [sql for sql in statements if "COUNT(" in sql]
    assert len(counts) == 1
    assert "LIMIT 100" in counts[0]
    for column in set(admin.LARGE_COLUMNS) - {"error"}:  # of which the start is read
        assert not [sql for sql in statements if f"databasetask.{column}," in sql.translate({34: "", 96: ""})]


def test_the_pages_end_at_the_cap(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    DatabaseTask.objects.bulk_create(DatabaseTask(name="app.tasks.add") for _ in range(120))
    monkeypatch.setattr(admin, "MAX_COUNT", 100)
    page(viewer, p=2)
    assert viewer.get(reverse(f"{APP}_databasetask_changelist"), {"p": 3}).status_code == 302


def test_a_task_is_found_by_its_id(viewer: Client) -> None:
    wanted, other = store(), store()
    html = page(viewer, q=wanted.id)
    assert wanted.id in html
    assert other.id not in html


def test_an_odd_order_in_the_address_is_ignored(viewer: Client) -> None:
    store()
    page(viewer, o="3.-9.name; drop table")


def test_the_page_of_a_task_shows_call_and_outcome(viewer: Client) -> None:
    task = store(
        kwargs={"when": "now"},
        status="FAILED",
        error_type="ValueError",
        error="no such customer",
        traceback="Traceback ...",
        result_json=None,
    )
    html = page(viewer, "databasetask_change", task.id)
    for text in [
        "app.tasks.add",
        "&quot;when&quot;: &quot;now&quot;",
        "ValueError",
        "no such customer",
        "Traceback",
    ]:
        assert text in html
    assert '<input type="submit"' not in html


def test_secrets_are_hidden_on_the_page_of_a_task(viewer: Client) -> None:
    secret = {"user": "ann", "Password": "canary", "deep": [{"api_key": "canary"}]}
    task = store(args=[secret], kwargs=secret, status="COMPLETED", result=str(secret), result_json=secret)
    html = page(viewer, "databasetask_change", task.id)
    assert "canary" not in html
    assert html.count("[redacted]") == 6
    assert "ann" in html


def test_text_of_tasks_is_never_markup(viewer: Client) -> None:
    evil = "<script>alert(1)</script>"
    task = store(
        name=f"app.{evil}",
        args=[evil],
        queue=evil[:100],
        worker=evil,
        status="FAILED",
        error=evil,
        error_type=evil,
        traceback=evil,
        result=evil,
    )
    for html in [page(viewer), page(viewer, "databasetask_change", task.id)]:
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html


def test_long_values_are_cut(viewer: Client) -> None:
    task = store(args=["x" * 200_000], traceback="y" * 60_000)
    html = page(viewer, "databasetask_change", task.id)
    assert "more characters" in html
    assert len(html) < 100_000


@pytest.mark.parametrize(
    "columns", [{"args": None, "kwargs": None, "timeout": None}, {"args": "text", "kwargs": 3}]
)
def test_odd_rows_can_be_looked_at(viewer: Client, columns: dict[str, Any]) -> None:
    task = store(**columns)
    page(viewer)
    page(viewer, "databasetask_change", task.id)


def test_workers_and_queues_can_be_looked_at(viewer: Client) -> None:
    worker = Worker.objects.create(name="web1-7", host="web1", pid=7, version="1.0.0", slots=4)
    queue = Queue.objects.create(name="mail", paused_by="ann")
    assert "web1-7" in page(viewer, "worker_changelist")
    assert "web1-7" in page(viewer, "worker_change", worker.pk)
    assert "ann" in page(viewer, "queue_changelist")
    assert "ann" in page(viewer, "queue_change", queue.pk)


@pytest.mark.parametrize("model", [DatabaseTask, Worker, Queue])
def test_nobody_can_add_change_or_delete(superuser: Client, model: Any) -> None:
    row = {
        DatabaseTask: lambda: store(),
        Worker: lambda: Worker.objects.create(name="w", host="h", pid=1, version="1", slots=1),
        Queue: lambda: Queue.objects.create(name="q"),
    }[model]()
    name, before = model._meta.model_name, model.objects.values().get()
    assert superuser.get(reverse(f"{APP}_{name}_add")).status_code == 403
    assert superuser.post(reverse(f"{APP}_{name}_add"), {"name": "os.system"}).status_code == 403
    assert superuser.post(reverse(f"{APP}_{name}_change", args=[row.pk]), {"name": "x"}).status_code == 403
    for method in (superuser.get, superuser.post):
        assert method(reverse(f"{APP}_{name}_delete", args=[row.pk])).status_code == 403
    delete = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    superuser.post(reverse(f"{APP}_{name}_changelist"), delete)
    assert model.objects.values().get() == before


def test_without_the_view_permission_there_is_nothing_to_see(using: str) -> None:
    nobody = _logged_in(_user("nobody", is_superuser=False))
    task = store()
    assert nobody.get(reverse(f"{APP}_databasetask_changelist")).status_code == 403
    assert nobody.get(reverse(f"{APP}_databasetask_change", args=[task.id])).status_code == 403
