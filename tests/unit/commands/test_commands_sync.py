"""``vaerun sync``: which runs are uploaded, and what is printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from runner.commands import sync as sync_module
from runner.commands.arguments import read
from runner.commands.manual import SYNC
from runner.errors import InterruptedRun, UsageError, VaerunError
from runner.store.signature import sign
from runner.tracking.upload import sign_log

SERVER = "wandb.example"


def nothing(run: Path) -> None:
    pass


class FakeUploads:
    """Leaves W&B's mark, but fails for runs called "bad"."""

    def __init__(self) -> None:
        self.runs: list[Path] = []
        self.parts: list[tuple[Path, ...]] = []
        self.before: Callable[[Path], object] = nothing
        self.killed = False

    def upload(self, logs: Sequence[Path]) -> str:
        run = logs[0].parents[2]
        self.runs.append(run)
        self.parts.append(tuple(logs))
        self.before(run)
        if run.name == "bad":
            raise VaerunError(f"{logs[0]}: refused")
        for log in logs:
            mark(log)
        return f"https://{SERVER}/{run.name}"

    def kill(self) -> None:
        self.killed = True


def sync(arguments: list[str]) -> int:
    return sync_module.run(read(SYNC, arguments))


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> FakeUploads:
    fake = FakeUploads()
    monkeypatch.setattr(sync_module, "Uploads", lambda: fake)
    monkeypatch.setattr(sync_module, "require_server", lambda: SERVER)
    monkeypatch.setattr(sync_module, "_AT_ONCE", 1)
    return fake


def mark(log: Path) -> None:
    log.with_name(f"{log.name}.synced").touch()


def make_run(path: Path, *starts: str, state: str = "finished") -> Path:
    """A run folder with a log for each time it was started offline."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("seed: 0\n")
    (path / "status.json").write_text(f'{{"state": "{state}"}}')
    for start in starts:
        log = path / "wandb" / f"offline-run-20260101_{start}-abc" / "run-abc.wandb"
        log.parent.mkdir(parents=True)
        log.write_bytes(b"some records")
        sign_log(log)
    return path


def test_all_runs_of_a_grid_are_uploaded_in_order(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path / "grid" / str(number), "000000") for number in (10, 2, 0)][::-1]
    make_run(tmp_path / "grid" / "3")  # was online
    assert sync([str(tmp_path / "grid"), str(runs[1])]) == 0
    assert uploads.runs == runs
    printed = capsys.readouterr()
    assert sorted(printed.out.splitlines()) == sorted(str(run) for run in runs)
    head, *said = printed.err.splitlines()
    assert head.split() == ["uploading", "3", "runs", "to", SERVER]
    assert [line.partition("  ")[0] for line in said] == ["1 of 3", "2 of 3", "3 of 3"]
    assert sorted(line.partition("  ")[2] for line in said) == sorted(
        f"{run}  https://{SERVER}/{run.name}" for run in runs
    )


def test_a_second_time_there_is_nothing_to_do(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    run = make_run(tmp_path / "0", "000000")
    assert sync([str(run)]) == 0
    capsys.readouterr()
    monkeypatch.setattr(sync_module, "require_server", lambda: pytest.fail("it is not needed"))
    assert sync([str(tmp_path)]) == 0
    assert uploads.runs == [run]
    assert capsys.readouterr() == (
        "",
        "nothing to upload: W&B has 1 run that was logged offline\n",
    )


def test_only_missing_logs_of_a_run_are_uploaded_the_oldest_first(
    uploads: FakeUploads, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "0", "000003", "000001", "000002")
    logs = sorted(run.glob("wandb/*/*.wandb"))
    mark(logs[0])
    assert sync([str(run)]) == 0
    assert uploads.parts == [tuple(logs[1:])]


@contextmanager
def at_work(run: Path) -> Iterator[None]:
    """Another process in a run folder."""
    code = "import sys; from pathlib import Path; from runner.store.lock import lock\n"
    code += "with lock(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    arguments = [sys.executable, "-c", code, str(run)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()


def test_a_run_in_progress_is_not_uploaded(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = make_run(tmp_path / "0", "000000", state="running")
    ended = [
        make_run(tmp_path / state, "000000", state=state)
        for state in ("diverged", "failed", "finished", "interrupted")
    ]
    with at_work(running):
        assert sync([str(tmp_path)]) == 0
        assert uploads.runs == ended
        assert f"left for later: {running} is still at work" in capsys.readouterr().err
        assert sync([str(tmp_path)]) == 0
        assert uploads.runs == ended


def test_a_run_that_was_killed_has_ended(uploads: FakeUploads, tmp_path: Path) -> None:
    killed = make_run(tmp_path / "0", "000000", state="running")
    with at_work(killed):
        pass
    assert sync([str(tmp_path)]) == 0
    assert uploads.runs == [killed]


def test_a_run_is_not_uploaded_twice_at_once(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second process uploads the second run while this one uploads the first."""
    first, second = (make_run(tmp_path / name, "000000") for name in "01")
    with ExitStack() as elsewhere:
        uploads.before = lambda _: elsewhere.enter_context(at_work(second))
        assert sync([str(tmp_path)]) == 0
    assert uploads.runs == [first]
    printed = capsys.readouterr()
    assert printed.out == f"{first}\n"
    assert f"left for later: {second} is still at work" in printed.err


def test_a_run_that_fails_does_not_stop_the_others(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path / name, "000000") for name in ("a", "bad", "c")]
    assert sync([str(tmp_path)]) == 1
    assert uploads.runs == runs
    printed = capsys.readouterr()
    assert sorted(printed.out.splitlines()) == [str(runs[0]), str(runs[2])]
    (log,) = runs[1].glob("wandb/*/*.wandb")
    assert f"error: {log}: refused" in printed.err.splitlines()
    assert sync([str(tmp_path)]) == 1
    assert uploads.runs[3:] == [runs[1]]


@pytest.mark.parametrize("error", [UsageError("there is no W&B API key"), VaerunError("dead")])
def test_without_a_server_nothing_is_begun(
    uploads: FakeUploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: VaerunError
) -> None:
    def refuse() -> str:
        raise error

    monkeypatch.setattr(sync_module, "require_server", refuse)
    make_run(tmp_path / "0", "000000")
    with pytest.raises(type(error), match=error.message):
        sync([str(tmp_path)])
    assert uploads.runs == []


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C as on a terminal: in the background of a script it would be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_finishes_current_uploads_and_starts_no_more(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (make_run(tmp_path / name, "000000") for name in "01")

    def interrupt(run: Path) -> None:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)

    uploads.before = interrupt
    with pytest.raises(InterruptedRun) as caught:
        sync([str(tmp_path)])
    assert caught.value.exit_code == 130
    assert capsys.readouterr().out.splitlines() == [str(first)]
    assert not uploads.killed
    uploads.before = nothing
    assert sync([str(tmp_path)]) == 0
    assert uploads.runs == [first, second]


@pytest.mark.usefixtures("heard")
def test_ctrl_c_twice_kills_current_uploads(uploads: FakeUploads, tmp_path: Path) -> None:
    make_run(tmp_path / "0", "000000")
    killed = threading.Event()

    def hang(run: Path) -> None:
        for _ in range(2):
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGINT)
        killed.wait(10)
        raise VaerunError("killed")

    uploads.before, uploads.kill = hang, killed.set  # type: ignore[method-assign] # a fake's
    with pytest.raises(InterruptedRun):
        sync([str(tmp_path)])
    assert killed.is_set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "sync takes run folders"),
        (["--again", "x"], "sync has no option '--again'"),
        (["wandb.mode=online", "x"], "sync takes no settings such as 'wandb.mode=online'"),
        (["nowhere"], "'nowhere' is not a run folder"),
    ],
)
def test_invalid_arguments_are_refused(
    uploads: FakeUploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, message
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message) as caught:
        sync(arguments)
    assert caught.value.exit_code == 2
    assert uploads.runs == []


def test_runs_that_were_never_offline_have_nothing_to_upload(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync([str(make_run(tmp_path / "0"))]) == 0
    assert capsys.readouterr().err == "nothing to upload: no run was logged offline\n"


def make_strangers_run(path: Path) -> Path:
    run = make_run(path, "000000")
    (signature,) = run.rglob("*.signature")
    signature.unlink()
    return run


def test_the_log_of_a_strangers_run_is_not_uploaded_unless_one_says_so(
    uploads: FakeUploads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger, own = make_strangers_run(tmp_path / "0"), make_run(tmp_path / "1", "000000")
    with pytest.raises(UsageError, match=r"not known as yours: '.*/0'; the log says") as refused:
        sync([str(stranger)])
    assert "--trust" in str(refused.value.hint)
    assert uploads.runs == []
    assert sync([str(tmp_path)]) == 1
    assert uploads.runs == [own]
    assert f"left out, not known as yours: '{stranger}'" in capsys.readouterr().err
    sign(stranger / "config.yaml", b"seed: 0\n")  # gone on with by the reader: the log is as it was
    with pytest.raises(UsageError, match="not known as yours"):
        sync([str(stranger)])
    assert sync(["--trust", str(tmp_path)]) == 0
    assert uploads.runs == [own, stranger]
