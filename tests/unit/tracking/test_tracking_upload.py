"""Upload of the logs of offline runs."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from runner.config import WandbConfig
from runner.errors import VaerunError
from runner.tracking.run import WandbRun
from runner.tracking.upload import Uploads, is_uploaded, offline_logs
from tests.hostile_folder import fill
from tests.stub_wandb import StubWandb

SETTINGS = WandbConfig("offline", "vaerun", None, "mnist_grid", ["paper"])


def go_offline(folder: Path, loss: float, run_id: str | None = None) -> str:
    """Log one row of a run, and return its id."""
    folder.mkdir(exist_ok=True)
    config = {"beta": 4.0}
    with WandbRun(SETTINGS, folder=folder, name="x", config=config, run_id=run_id) as run:
        run.log({"loss": loss}, round(100 - loss))
        run.summarize({"elbo": -loss})
    sys.modules["wandb"].teardown()  # its background process may still be writing
    return str(run.id)


def test_a_run_resumed_twice_is_uploaded_completely_and_once(
    server: StubWandb, tmp_path: Path
) -> None:
    run_id = go_offline(tmp_path, 2.0)
    time.sleep(1.1)  # wandb names the folder of an offline run after the second it starts in
    go_offline(tmp_path, 1.0, run_id)
    logs = offline_logs(tmp_path)
    assert [is_uploaded(log) for log in logs] == [False, False]

    assert Uploads().upload(logs) == f"{server.url}/local/vaerun/runs/{run_id}"

    assert [is_uploaded(log) for log in logs] == [True, True]
    (received,) = server.runs.values()
    assert [row["loss"] for row in received.history] == [2.0, 1.0]
    assert received.summary["elbo"] == -1.0
    assert received.about["groupName"] == "mnist_grid"
    assert received.about["tags"] == ["paper"]
    assert received.config["beta"]["value"] == 4.0
    assert received.exit_code == 0


def test_logs_after_a_refused_log_are_not_uploaded(server: StubWandb, tmp_path: Path) -> None:
    run_id = go_offline(tmp_path, 2.0)
    time.sleep(1.1)
    go_offline(tmp_path, 1.0, run_id)
    first, second = offline_logs(tmp_path)
    server.refuse_with = 404
    with pytest.raises(VaerunError) as caught:
        Uploads().upload([first, second])
    assert caught.value.message == f"{first}: refused by the stub"
    assert not is_uploaded(first)
    assert not is_uploaded(second)


def test_the_log_of_a_killed_run_is_uploaded_up_to_its_last_record(
    server: StubWandb, tmp_path: Path
) -> None:
    go_offline(tmp_path, 2.0)
    (log,) = offline_logs(tmp_path)
    log.write_bytes(log.read_bytes()[:-5])
    Uploads().upload([log])
    assert is_uploaded(log)
    (received,) = server.runs.values()
    assert [row["loss"] for row in received.history] == [2.0]
    assert received.exit_code == 1


def test_a_broken_log_is_reported_in_one_line(server: StubWandb, tmp_path: Path) -> None:
    log = tmp_path / "wandb" / "offline-run-20260101_000000-abc" / "run-abc.wandb"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"this is not a log")
    with pytest.raises(VaerunError) as caught:
        Uploads().upload([log])
    assert caught.value.message.startswith(f"{log}: ")
    assert "\n" not in caught.value.message
    assert list(server.runs) == []


def test_an_upload_that_hangs_can_be_killed(server: StubWandb, tmp_path: Path) -> None:
    go_offline(tmp_path, 2.0)
    server.refuse_with = 500  # W&B tries again and again
    uploads, errors = Uploads(), list[str]()

    def upload() -> None:
        try:
            uploads.upload(offline_logs(tmp_path))
        except VaerunError as error:
            errors.append(error.message)

    thread = threading.Thread(target=upload)
    thread.start()
    time.sleep(2)
    assert thread.is_alive()
    uploads.kill()
    thread.join(10)
    assert not thread.is_alive()
    assert len(errors) == 1
    assert not is_uploaded(offline_logs(tmp_path)[0])


def test_a_folder_without_logs_has_none(tmp_path: Path) -> None:
    assert offline_logs(tmp_path) == []


def test_a_log_without_records_is_not_a_log(tmp_path: Path) -> None:
    """wandb writes its header first, and the rest once there is more of it."""
    for start, content in (("000000", b":W&B\xbe\xe1\x00"), ("000001", b":W&B\xbe\xe1\x00more")):
        log = tmp_path / "wandb" / f"offline-run-20260101_{start}-abc" / "run-abc.wandb"
        log.parent.mkdir(parents=True)
        log.write_bytes(content)
    assert offline_logs(tmp_path) == [log]


def test_an_upload_imports_nothing_from_the_current_folder(
    server: StubWandb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_offline(tmp_path / "run", 2.0)
    (tmp_path / "here").mkdir()
    trace = fill(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    (log,) = offline_logs(tmp_path / "run")
    assert Uploads().upload([log]).startswith(server.url)
    assert not trace.exists()
