"""The settings of W&B that lie in the current folder do not say where the API key is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.tracking.mode import require_server, resolve_mode
from runner.tracking.upload import Uploads, offline_logs
from tests.stub_wandb import KEY, StubWandb
from tests.unit.tracking.test_tracking_upload import go_offline

pytestmark = pytest.mark.usefixtures("without_wandb")

ELSEWHERE = "http://127.0.0.1:9"


def write(text: str, folder: Path = Path("wandb")) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings").write_text(f"[default]\n{text}\n")


@pytest.fixture
def no_server_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API key, and no WANDB_BASE_URL."""
    monkeypatch.delenv("WANDB_BASE_URL")
    monkeypatch.setenv("WANDB_API_KEY", KEY)


@pytest.mark.parametrize("asked", ["auto", "online"])
def test_a_server_named_by_the_folder_is_refused(no_server_named, asked: str):
    write(f"base_url = {ELSEWHERE}")
    with pytest.raises(UsageError, match="settings' would have your W&B key sent to 'http://127"):
        resolve_mode(asked)
    with pytest.raises(UsageError, match="would have your W&B key sent to"):
        require_server()
    assert resolve_mode("offline")[0] == "offline"


@pytest.mark.parametrize(
    "text", ["https_proxy = http://127.0.0.1:9", "identity_token_file = /etc/passwd", "x = 1"]
)
def test_other_settings_than_the_usual_are_refused(no_server_named, text: str):
    write(text)
    with pytest.raises(UsageError, match="which is not for a folder to say"):
        resolve_mode("online")


def test_a_file_of_another_kind_is_refused(no_server_named):
    write("")
    Path("wandb/settings").write_text("no section")
    with pytest.raises(UsageError, match="is not a file of W&B's settings"):
        resolve_mode("online")


def test_what_wandb_itself_writes_there_is_taken(no_server_named, monkeypatch: pytest.MonkeyPatch):
    write(f"base_url = {ELSEWHERE}", Path.home() / "CONFIG")  # wandb login --host
    write(f"base_url = {ELSEWHERE}\nentity = me\nproject = mine")  # wandb init
    assert resolve_mode("auto") == ("offline", "127.0.0.1 does not answer")
    write(f"base_url = {ELSEWHERE[:-1]}1")
    monkeypatch.setenv("WANDB_BASE_URL", ELSEWHERE)
    assert resolve_mode("online")[0] == "online"


def test_an_upload_does_not_read_them(
    server: StubWandb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    go_offline(tmp_path / "run", 2.0)
    (log,) = offline_logs(tmp_path / "run")
    monkeypatch.delenv("WANDB_BASE_URL")
    write(f"base_url = {server.url}", Path.home() / "CONFIG")
    monkeypatch.chdir(tmp_path)
    write(f"base_url = {ELSEWHERE}")
    assert Uploads().upload([log.relative_to(tmp_path)]).startswith(server.url)
