"""The pages of queues, workers, groups of failures and tasks, as far as the state knows them. Pure."""

from __future__ import annotations

from django_task_worker.snapshot.rows import LOST
from taskctl.dashboard import figures
from taskctl.dashboard.tables import Group, Running, Tables, Work
from taskctl.dashboard.view import FAILURES, QUEUES, RUNNING, WORKERS, Page, Row


def opened(tables: Tables, page: Page | None) -> Page | None:
    """What Enter opens: the selected row of the panel in focus, or of the page."""
    if page is not None:
        task_id = page.chosen if page.kind in ("group", "queue") else None
        return None if task_id is None else task_page(tables, task_id)
    focus = tables.view.focus
    keys = tables.keys(focus)
    at = tables.view.selected(focus, keys)
    if at < 0:
        return None
    if focus == QUEUES:
        return Page("queue", f"QUEUE {keys[at]}", queue_rows(tables, keys[at]), key=keys[at])
    if focus == WORKERS:
        name = tables.workers[at].row.name
        return Page("worker", f"WORKER {name}", worker_rows(tables, tables.workers[at]), key=keys[at])
    if focus == RUNNING:
        return task_page(tables, keys[at])
    if focus == FAILURES:
        group = tables.failures[at]
        return Page("group", f"FAILURES {group.key}", group_rows(tables, group), key=group.key)
    return None


def refresh(tables: Tables, page: Page) -> None:
    """Bring a page up to date with the state; one whose subject has gone stays as it is."""
    if page.kind == "queue":
        loaded = [row for row in page.rows if row.key is not None or row.label in ("next", "")]
        page.rows = [*queue_rows(tables, page.key), *loaded]
    elif page.kind == "worker":
        work = next((work for work in tables.all_workers if work.row.id == page.key), None)
        page.rows = page.rows if work is None else worker_rows(tables, work)
    elif page.kind == "group":
        group = next((group for group in tables.failures if group.key == page.key), None)
        page.rows = page.rows if group is None else group_rows(tables, group)


def queue_rows(tables: Tables, name: str) -> list[Row]:
    row = tables.queue(name)
    rows = [
        Row("queue", name, "bold"),
        Row("pending", figures.number(row.pending)),
        Row("scheduled", figures.number(row.scheduled)),
        Row("running", figures.number(row.running)),
    ]
    if row.oldest_at is not None and row.pending:
        rows.append(Row("oldest", f"waits for {figures.age(tables.at - row.oldest_at)}"))
    if row.is_paused(tables.at):
        by = f" by {row.paused_by}" if row.paused_by else ""
        until = row.paused_until
        end = f", until {_clock(tables, until)}" if until is not None else ""
        since = figures.age(tables.at - (row.paused_at or tables.at))
        rows.append(Row("paused", f"for {since}{by}{end}", "yellow"))
        if row.pause_reason:
            rows.append(Row("reason", row.pause_reason, "yellow"))
    rows.append(Row("done/s", figures.rate(tables.queue_rate(name))))
    for label, times in zip(("waited", "ran"), tables.times(name), strict=True):
        if times is not None:
            text = f"p50 {figures.duration(times.p50)}   p95 {figures.duration(times.p95)}"
            rows.append(Row(label, f"{text}   at most {figures.duration(times.longest)}   (last 5 min)"))
    listeners = [
        work.row.name for work in tables.all_workers if work.status != LOST and work.row.listens(name)
    ]
    rows.append(Row("workers", ", ".join(listeners) or "none listens to it", "" if listeners else "yellow"))
    return rows


def worker_rows(tables: Tables, work: Work) -> list[Row]:
    row = work.row
    takes = ", ".join(row.queues) or "all queues"
    if row.exclude_queues:
        takes += f" but {', '.join(row.exclude_queues)}"
    rows = [
        Row("worker", row.name, "bold"),
        Row("status", work.status, {"up": "green", LOST: "red"}.get(work.status, "yellow")),
        Row("where", f"{row.host}, pid {row.pid}, version {row.version}"),
        Row("queues", takes),
        Row("slots", f"{work.busy} of {row.slots} busy"),
        Row("seen", f"{figures.age(work.seen_s)} ago"),
        Row("up", figures.age(tables.at - row.started_at)),
        Row(
            "done",
            f"{row.completed:,}, failed {row.failed:,}, {figures.rate(tables.worker_rate(row.name))}/s",
        ),
    ]
    for running in tables.of_worker(work):
        rows.append(Row("running", f"{running.row.id[:12]}  {running.row.task}  {_elapsed(running)}"))
    return rows


def group_rows(tables: Tables, group: Group) -> list[Row]:
    """Newest first; each can be selected."""
    rows = [Row("task", group.task, "bold"), Row("error", group.error, "red"), Row("", "")]
    for failure in reversed(group.rows):
        text = f"{failure.task_id[:12]:<14}{failure.error.partition(chr(10))[0]}"
        rows.append(Row(_clock(tables, failure.at), text, key=failure.task_id))
    return rows


def task_page(tables: Tables, task_id: str) -> Page:
    """What is known before the database has answered."""
    page = Page("task", f"TASK {task_id}", key=task_id, is_loading=tables.view.speed is None)
    rows = [Row("id", task_id, "bold")]
    running = next((task for task in tables.running if task.row.id == task_id), None)
    failure = tables.state.failures.get(task_id)
    if running is not None:
        row = running.row
        rows += [Row("task", row.task), Row("status", "running", "cyan"), Row("queue", row.queue)]
        rows += [Row("worker", row.worker), Row("elapsed", _elapsed(running))]
        if task_id in tables.view.arguments:
            rows.append(Row("arguments", tables.view.arguments[task_id]))
    elif failure is not None:
        rows += [Row("task", failure.task), Row("status", "failed", "red"), Row("queue", failure.queue)]
        rows += [Row("worker", failure.worker), Row("failed at", _clock(tables, failure.at))]
        rows.append(Row("error", f"{failure.error_type}: {failure.error}", "red"))
    page.rows = rows
    return page


def _elapsed(running: Running) -> str:
    if running.elapsed_s is None:
        return "claimed"
    limit_s = running.row.limit_s
    limit = f" / {figures.duration(limit_s)}" if limit_s else ""
    return figures.elapsed(running.elapsed_s) + limit


def _clock(tables: Tables, at: float) -> str:
    return figures.clock(at - tables.state.skew_s, utc=tables.view.utc)
