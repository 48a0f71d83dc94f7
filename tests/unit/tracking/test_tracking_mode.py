"""The mode of W&B from the key, the server, the settings and the environment."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from runner.errors import UsageError, VaerunError
from runner.tracking import mode as wandb_mode
from runner.tracking.mode import require_server, resolve_mode
from tests.stub_wandb import KEY, StubWandb

pytestmark = pytest.mark.usefixtures("without_wandb")


def test_auto_without_a_key_is_offline() -> None:
    assert resolve_mode("auto") == ("offline", "no API key (run `wandb login`)")


def test_auto_with_a_key_and_a_server_is_online(server: StubWandb) -> None:
    assert resolve_mode("auto") == ("online", "127.0.0.1 answers")


def test_auto_with_a_dead_server_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    began = time.monotonic()
    assert resolve_mode("auto") == ("offline", "127.0.0.1 does not answer")
    assert time.monotonic() - began < 3


def test_auto_does_not_wait_for_a_slow_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent name server delays a connection before its own time limit begins."""
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setattr(wandb_mode, "PROBE_SECONDS", 0.2)
    released = threading.Event()

    def hang(*_: object) -> None:
        released.wait(10)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    began = time.monotonic()
    assert resolve_mode("auto")[0] == "offline"
    assert time.monotonic() - began < 2
    released.set()


def test_auto_trusts_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", "https://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert resolve_mode("auto")[0] == "online"


def test_auto_keeps_the_stored_offline_mode(tmp_path: Path) -> None:
    stored = tmp_path / "home" / "CONFIG"
    stored.mkdir()
    (stored / "settings").write_text("[default]\nmode = offline\n")
    assert resolve_mode("auto") == ("offline", "set by `wandb offline`")


@pytest.mark.parametrize("mode", ["auto", "online"])
def test_a_malformed_key_is_the_users_error(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "too-short")
    with pytest.raises(UsageError, match="WANDB_API_KEY invalid") as caught:
        resolve_mode(mode)
    assert "\n" not in caught.value.message


def test_a_malformed_variable_is_the_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "nowhere")
    with pytest.raises(UsageError, match="base_url: Input should be a valid URL"):
        resolve_mode("auto")


def test_online_without_a_key_is_the_users_error() -> None:
    with pytest.raises(UsageError, match=r"wandb\.mode is online, but there is no") as caught:
        resolve_mode("online")
    assert "wandb login" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("value", "mode"),
    [("offline", "offline"), ("dryrun", "offline"), ("disabled", "disabled")],
)
def test_the_environment_overrides_the_settings(
    server: StubWandb, monkeypatch: pytest.MonkeyPatch, value: str, mode: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", value)
    for setting in ("auto", "online", "offline", "disabled"):
        assert resolve_mode(setting) == (mode, "set by WANDB_MODE")


@pytest.mark.parametrize("value", ["online", "run"])
def test_the_environment_can_set_online(
    server: StubWandb, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", value)
    assert resolve_mode("disabled") == ("online", "set by WANDB_MODE")


def test_an_unknown_mode_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "ofline")
    with pytest.raises(UsageError, match="WANDB_MODE must be one of") as caught:
        resolve_mode("auto")
    assert caught.value.hint == "did you mean 'offline'?"


@pytest.mark.parametrize("mode", [None, "offline", "disabled"])
def test_a_server_that_accepts_the_key_is_returned(
    server: StubWandb, monkeypatch: pytest.MonkeyPatch, mode: str | None, capfd
) -> None:
    if mode:
        monkeypatch.setenv("WANDB_MODE", mode)
    assert require_server() == "127.0.0.1"
    assert "Viewer" in server.operations
    assert capfd.readouterr() == ("", "")


def test_a_stored_offline_mode_does_not_hide_the_server(server: StubWandb, tmp_path: Path) -> None:
    stored = tmp_path / "home" / "CONFIG"
    stored.mkdir()
    (stored / "settings").write_text("[default]\nmode = offline\n")
    assert require_server() == "127.0.0.1"


def test_a_key_that_the_server_refuses_is_the_users_error(server: StubWandb) -> None:
    server.refuse_with = 401
    with pytest.raises(UsageError, match=r"W&B: Failed to authenticate .*: refused") as caught:
        require_server()
    assert "\n" not in caught.value.message
    assert "wandb login" in (caught.value.hint or "")


def test_a_missing_key_is_the_users_error(
    server: StubWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(UsageError, match=r"there is no W&B API key for 127\.0\.0\.1"):
        require_server()


def test_a_malformed_key_is_not_sent(server: StubWandb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "too-short")
    with pytest.raises(UsageError, match="WANDB_API_KEY invalid"):
        require_server()
    assert server.operations == []


def test_a_dead_server_fails_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    began = time.monotonic()
    with pytest.raises(VaerunError, match=r"W&B: 127\.0\.0\.1 does not answer") as caught:
        require_server()
    assert caught.value.exit_code == 1
    assert time.monotonic() - began < 4
