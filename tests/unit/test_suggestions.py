"""What Tab offers from the cache, which cache that is, and when it is written anew."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from taskctl.suggestions import answer, cache, place, refresh

NOW = 1_800_000_000.0
CONTENT: dict[str, Any] = {
    "at": NOW,
    "task": [
        ["app.tasks.add", "(a: float, b: float)"],
        ["app.tasks.send", "(to, /, *rest, text: str = 'a, b', when: dict[str, int] = {'x': 1}, **more)"],
        ["mail.tasks.post", ""],
    ],
    "queue": [
        ["default", ""],
        ["mail", "paused"],
        ["$(rm)", ""],
        ["two words", ""],
        ["-x", ""],
        ["größe", ""],
    ],
    "field": [["id", ""], ["status", ""], ["started", ""]],
    "id": [
        ["7h2kab02k1k1", "failed", "app.tasks.add", NOW - 190],
        ["7h2kab03k1k7", "running", "mail.tasks.post", NOW - 4],
        ["8x", "failed", "evil\x1b[2J\ttask", NOW - 90_000],
    ],
}


def offered(kind: str, prefix: str = "", only: str = "", *words: str) -> list[tuple[str, str]]:
    return answer.suggestions(kind, prefix, only, CONTENT, words, NOW)


def values(kind: str, prefix: str = "", only: str = "", *words: str) -> list[str]:
    return [value for value, _ in offered(kind, prefix, only, *words)]


def test_names_that_begin_so_are_offered_with_their_descriptions() -> None:
    assert offered("task", "app.tasks.a") == [("app.tasks.add", "(a: float, b: float)")]
    assert values("task", "tasks") == []
    assert values("schedule") == values("nosuch") == []


def test_ids_keep_their_order_and_say_what_they_are() -> None:
    assert offered("id", "7h") == [
        ("7h2kab02k1k1", "failed     app.tasks.add  3m ago"),
        ("7h2kab03k1k7", "running    mail.tasks.post  4s ago"),
    ]
    assert values("id", "", "failed") == ["7h2kab02k1k1", "8x"]
    assert values("id", "", "pending,running") == ["7h2kab03k1k7"]
    assert values("id", "", "failed", "retry", "8x") == ["7h2kab02k1k1"]


def test_nothing_is_offered_that_a_shell_would_take_for_more_than_a_word() -> None:
    assert values("queue") == ["default", "mail", "größe"]
    (about,) = [about for value, about in offered("id") if value == "8x"]
    assert about == "failed     evil [2J task  1d ago"


def test_parameters_are_those_that_can_be_given_by_name_and_are_not_yet() -> None:
    call = ("enqueue", "--queue", "mail", "app.tasks.add")
    assert offered("param", "", "", *call) == [("a=", "a: float"), ("b=", "b: float")]
    assert values("param", "", "", *call, "a=1") == ["b="]
    assert values("param", "", "", "enqueue", "app.tasks.send") == ["text=", "when="]
    assert values("param", "t", "", "enqueue", "app.tasks.send") == ["text="]
    assert values("param", "", "", "mail.tasks.post") == values("param", "", "", "nosuch") == []


def test_fields_are_completed_one_after_the_other() -> None:
    assert values("field", "st") == ["status", "started"]
    assert values("field", "id,st") == ["id,status", "id,started"]
    assert values("field", "id,status,") == ["id,status,started"]


@pytest.mark.parametrize(
    "content", [{}, {"id": "x", "queue": 3}, {"id": [1, [], [1, 2, 3, "x"]], "queue": [["a"]]}]
)
def test_what_is_broken_offers_nothing(content: Any) -> None:
    assert answer.suggestions("id", "", "", content, (), NOW) == []
    assert answer.suggestions("queue", "", "", content, (), NOW) == []


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["list", "--settings", "a.b", "--x"], "a.b"),
        (["list", "--settings=a.b"], "a.b"),
        (["list", "--settings"], None),
        (["list", "--settingsx", "a"], None),
    ],
)
def test_the_project_may_be_named_on_the_command_line(words: list[str], value: str | None) -> None:
    assert answer.value_of("--settings", words) == value


# --- which file ---


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "shop"
    (folder / "app" / "deep").mkdir(parents=True)
    (folder / "manage.py").touch()
    return folder


def file_for(
    start: Path, settings: str | None = None, project: str | None = None, **environ: str
) -> str | None:
    return place.file_for({"settings": settings, "project": project}, environ, str(start))


def test_a_project_has_one_file_wherever_one_stands_in_it(shop: Path) -> None:
    path = file_for(shop)
    assert path is not None
    assert Path(path).parent == shop.parent / ".cache" / "taskctl"
    assert file_for(shop / "app" / "deep") == path
    assert file_for(shop.parent, project="shop") == path
    assert file_for(shop.parent, TASKCTL_PROJECT=str(shop)) == path
    assert file_for(shop, XDG_CACHE_HOME="/elsewhere") == f"/elsewhere/taskctl/{Path(path).name}"
    assert file_for(shop, XDG_CACHE_HOME="elsewhere") == path


def test_settings_and_projects_are_told_apart(shop: Path) -> None:
    other = shop.parent / "other"
    (other / ".taskctl").mkdir(parents=True)
    (other / ".taskctl" / "tasks.sqlite3").touch()
    third = shop.parent / "third"
    third.mkdir()
    (third / "pyproject.toml").write_text('[tool.taskctl]\nsettings = "a.b"\n')
    paths = {file_for(shop), file_for(other), file_for(third), file_for(shop, "a.b"), file_for(shop, "c.d")}
    paths.add(file_for(shop, TASKCTL_DATABASE="replica"))
    assert len(paths - {None}) == 6
    assert file_for(shop, "a.b") == file_for(shop, DJANGO_SETTINGS_MODULE="a.b")


def test_settings_alone_belong_to_the_pyproject_or_the_folder(shop: Path) -> None:
    (shop / "manage.py").rename(shop / "pyproject.toml")
    assert file_for(shop) is None
    assert file_for(shop / "app", "a.b") == file_for(shop, "a.b")
    (shop / "pyproject.toml").unlink()
    assert file_for(shop / "app", "a.b") != file_for(shop, "a.b")


def test_without_a_project_or_when_it_is_off_there_is_none(shop: Path) -> None:
    assert file_for(shop.parent) is None
    assert file_for(shop, TASKCTL_NO_CACHE="1") is None
    assert file_for(shop, TASKCTL_NO_CACHE="0") is not None


# --- reading and writing ---


def test_it_is_written_whole_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    cache.save(str(path), CONTENT)
    assert cache.load(str(path)) == {"v": 1, **CONTENT}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"v":0}', "\xff", "null"])
def test_a_broken_file_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    assert cache.load(str(path)) == {}
    assert cache.age_s({}, "at", NOW) == float("inf")
    assert cache.age_s({"at": NOW + 100}, "at", NOW) == float("inf")


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()
    with pytest.raises(OSError, match=r"a\.json"):
        cache.save(str(path), CONTENT)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_files_of_projects_that_are_gone_are_swept_out(tmp_path: Path) -> None:
    old, young = tmp_path / "old.json", tmp_path / "young.json"
    for each in (old, young):
        each.touch()
    os.utime(old, (time.time() - 100 * 86400,) * 2)
    cache.save(str(tmp_path / "a.json"), CONTENT)
    assert {entry.name for entry in tmp_path.iterdir()} == {"young.json", "a.json"}


# --- writing it anew ---


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    monkeypatch.setattr(refresh, "_start", commands.append)
    return commands


def test_it_is_started_at_most_every_half_minute(tmp_path: Path, started: list[list[str]]) -> None:
    path = str(tmp_path / "cache" / "a.json")
    now = time.time()
    for after_s in (0, 1, 29):
        refresh.start(path, {"settings": "a.b"}, now + after_s)
    assert len(started) == 1
    assert started[0][1:] == ["-P", "-m", "taskctl", "completions", "--refresh", "-q", "--settings=a.b"]
    refresh.start(path, {"project": "/srv/shop"}, now + 31)
    assert len(started) == 2
    assert started[1][-1] == "--project=/srv/shop"


def test_it_is_not_started_while_one_runs(tmp_path: Path, started: list[list[str]]) -> None:
    import fcntl

    lock = tmp_path / "a.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refresh.start(str(tmp_path / "a.json"), {}, time.time() + 100)
        assert not started
    refresh.start(str(tmp_path / "a.json"), {}, time.time() + 100)
    assert len(started) == 1


def test_where_nothing_can_be_written_nothing_is_started(tmp_path: Path, started: list[list[str]]) -> None:
    (tmp_path / "file").touch()
    refresh.start(str(tmp_path / "file" / "a.json"), {}, NOW)
    assert not started


@pytest.mark.parametrize(("age_s", "is_started"), [(0, False), (86_000, False), (87_000, True)])
def test_tab_has_an_old_cache_written_and_prints_what_is_there(
    shop: Path,
    started: list[list[str]],
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    age_s: float,
    is_started: bool,
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("PWD", str(shop))
    for name in ("DJANGO_SETTINGS_MODULE", "TASKCTL_NO_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    path = file_for(shop)
    assert path is not None
    cache.save(path, CONTENT | {"at": time.time() - age_s})
    assert answer.main(["queue", "m", "--", "list", "--queue"]) == 0
    assert capfdbinary.readouterr().out == b"mail\tpaused\n"
    assert bool(started) == is_started
    Path(path).unlink()
    assert answer.main(["queue", ""]) == 0
    assert capfdbinary.readouterr().out == b""
    assert len(started) == 1
