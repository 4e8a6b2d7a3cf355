"""Recordings: what is kept, and how it is shown again."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path

import pytest

from taskctl.dashboard.messages import DATABASE, OK, Events, Health, History, Message, Past, Spreads
from taskctl.dashboard.recording import NotARecording, Recorder, Recording
from taskctl.dashboard.sources import Replay
from tests.dashboard import scenes

NOW = scenes.NOW
MESSAGES: list[Message] = [
    Health(DATABASE, OK, round_trip_s=0.003),
    scenes.snapshot(),
    Events(list(scenes.LAST), 2, 1),
    History(
        NOW, [Past(NOW - 60, 5, 1)], [Spreads("mail", [1], 1.0, [2], 2.0)], [("mail", [Past(NOW - 60, 5, 1)])]
    ),
]


@pytest.fixture(params=["night.jsonl", "night.jsonl.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def record(path: Path) -> Recorder:
    recorder = Recorder(path, "shop", NOW)
    for second, message in enumerate(MESSAGES):
        recorder.keep(message, NOW + second)
    return recorder


def test_what_was_kept_comes_back_as_it_was(path: Path) -> None:
    record(path).close()
    recording = Recording(path)
    assert (recording.project, recording.started_at) == ("shop", NOW)
    expected = [(round(NOW + n, 3), message) for n, message in enumerate(MESSAGES)]
    assert json.loads(json.dumps(list(recording.messages()))) == json.loads(json.dumps(expected))
    assert [type(message) for _, message in recording.messages()] == [type(message) for message in MESSAGES]


def test_a_recording_is_its_owners_alone(path: Path) -> None:
    record(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_that_ends_in_gz_is_compressed(tmp_path: Path) -> None:
    record(tmp_path / "a.gz").close()
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()).startswith(b'{"format":"taskctl top"')


def test_a_recording_that_broke_off_is_shown_as_far_as_it_goes(path: Path) -> None:
    record(path).close()
    path.write_bytes(path.read_bytes()[:-40])
    assert 1 <= len(list(Recording(path).messages())) <= 3


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"{}", b'{"format":"other"}', b"\x1f\x8bx", b"[1]", b'{"format":"taskctl top","v":99}'],
)
def test_another_file_is_no_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(NotARecording):
        Recording(path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("taskctl.dashboard.sources.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def replay(tmp_path: Path, clock: list[float]) -> Replay:
    record(tmp_path / "x").close()
    made = Replay(Recording(tmp_path / "x"))
    made.start()
    return made


def told(replay: Replay) -> int:
    return len(replay.take())


def test_a_replay_tells_what_was_told_when_it_was(replay: Replay, clock: list[float]) -> None:
    assert told(replay) == 1
    clock[0] += 1.5
    assert told(replay) == 1
    clock[0] += 9
    assert told(replay) == 2
    assert replay.is_over


def test_a_replay_may_be_faster(replay: Replay, clock: list[float]) -> None:
    replay.set_speed(10)
    clock[0] += 0.25
    assert told(replay) == 3
    assert replay.now() == pytest.approx(NOW + 2.5)


def test_a_replay_that_is_held_stands_still(replay: Replay, clock: list[float]) -> None:
    told(replay)
    replay.hold(is_held=True)
    clock[0] += 60
    assert told(replay) == 0
    replay.hold(is_held=False)
    clock[0] += 1
    assert told(replay) == 1


def test_a_replay_goes_on_elsewhere(replay: Replay, clock: list[float]) -> None:
    assert replay.seek(2) is False
    assert told(replay) == 3
    assert replay.seek(-10) is True
    assert replay.now() == NOW
    assert told(replay) == 1


def test_a_replay_ends_on_its_last_frame(replay: Replay, clock: list[float]) -> None:
    clock[0] += 3
    assert told(replay) == 4
    clock[0] += 500
    assert replay.now() == pytest.approx(NOW + 3)


def test_a_recording_is_not_written_through_a_planted_link(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("untouched")
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        Recorder(path, "shop", NOW)
    assert target.read_text() == "untouched"


def test_an_older_file_becomes_its_owners_alone(path: Path) -> None:
    path.write_text("older")
    path.chmod(0o644)
    record(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Recording(path).project == "shop"
