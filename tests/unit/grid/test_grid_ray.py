"""Tasks of Ray: errors before any task is started."""

from __future__ import annotations

import importlib.util

import pytest

from runner import config
from runner.config.launcher_schema import RayLauncherConfig
from runner.errors import UsageError, VaerunError
from runner.grid.launchers import require, workers_of


def settings(*arguments: str) -> RayLauncherConfig:
    chosen = config.launcher("ray", [f"launcher.{override}" for override in arguments])
    assert isinstance(chosen, RayLauncherConfig)
    return chosen


def test_without_ray_the_error_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError) as caught:
        require(settings())
    assert caught.value.message == "launcher=ray needs Ray"
    assert caught.value.hint == "pip install 'vaerun[ray]'"


def test_the_number_of_tasks_is_a_setting_or_depends_on_the_cluster():
    assert workers_of(settings("workers=3", "processes=2"), "auto") == 6
    with pytest.raises(VaerunError, match="depends on the room in the cluster"):
        workers_of(settings("address=auto"), "auto")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("cpus=0", "launcher.cpus must be at least 1, got 0"),
        ("gpus=1.5", "launcher.gpus must be a fraction of one GPU, or a whole number, got 1.5"),
    ],
)
def test_settings_that_no_cluster_can_use_are_refused(override: str, message: str):
    with pytest.raises(UsageError) as caught:
        settings(override)
    assert caught.value.message == message


def test_a_gpu_can_be_shared():
    assert settings("gpus=0.25").gpus == 0.25
