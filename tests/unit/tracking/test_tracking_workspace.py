"""A view of a grid as it is sent to W&B."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import UsageError, VaerunError
from runner.objective import TERM_NAMES
from runner.tracking import workspace
from runner.tracking.workspace import save_workspace
from tests.stub_wandb import StubWandb

METRICS = ("elbo", "scores/mean/mig")
BY = ("objective.name", "beta", "prior.group_size")


@pytest.fixture
def save(server: StubWandb) -> Callable[..., dict[str, Any]]:
    pytest.importorskip("wandb_workspaces")

    def save(group: str | None = "mnist_grid", by: tuple[str, ...] = BY) -> dict[str, Any]:
        save_workspace(None, "vaerun", group, name="a grid", metrics=METRICS, by=by)
        return server.views[-1]

    return save


def runs_of(view: dict[str, Any]) -> dict[str, Any]:
    (runs,) = view["spec"]["section"]["runSets"]
    return runs


def panels_of(view: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What is drawn, by its kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for section in view["spec"]["section"]["panelBankConfig"]["sections"]:
        assert section["isOpen"]
        for panel in section["panels"]:
            found.setdefault(panel["viewType"], []).append(panel["config"])
    return found


def test_a_saved_view_has_an_address_and_prints_nothing(
    server: StubWandb, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("wandb_workspaces")
    url = save_workspace(None, "vaerun", "g", name="a grid", metrics=METRICS, by=BY)
    (view,) = server.views
    assert url.startswith(f"{server.url}/local/vaerun?nw=")
    assert url.partition("nw=")[2] in view["name"]
    about = {key: view[key] for key in ("entityName", "projectName", "displayName", "type")}
    assert about == {
        "entityName": "local",
        "projectName": "vaerun",
        "displayName": "a grid",
        "type": "project-view",
    }
    assert capfd.readouterr() == ("", "")


def test_a_given_entity_is_not_looked_up(server: StubWandb) -> None:
    pytest.importorskip("wandb_workspaces")
    url = save_workspace("team", "vaerun", None, name="all", metrics=METRICS, by=())
    assert server.views[0]["entityName"] == "team"
    assert "GetDefaultEntity" not in server.operations
    assert "/team/vaerun?" in url


def test_it_shows_the_runs_of_the_group_alone(save: Callable[..., dict[str, Any]]) -> None:
    (chosen,) = runs_of(save())["filters"]["filters"]
    assert chosen["key"] == {"section": "run", "name": "group"}
    assert (chosen["op"], chosen["value"]) == ("=", "mnist_grid")
    assert runs_of(save(None))["filters"].get("filters", []) == []


@pytest.mark.parametrize("group", ["a=b", "it's", 'the "best" one', "β = 4 and or", "back\\slash"])
def test_any_name_of_a_group_is_kept(save: Callable[..., dict[str, Any]], group: str) -> None:
    (chosen,) = runs_of(save(group))["filters"]["filters"]
    assert chosen["value"] == group


def test_it_groups_by_objective_and_settings(save: Callable[..., dict[str, Any]]) -> None:
    keys = [(key["section"], key["name"]) for key in runs_of(save())["grouping"]]
    assert keys == [
        ("config", "objective.value.name"),
        ("config", "beta.value"),
        ("config", "prior.value.group_size"),
    ]
    alone = [key["name"] for key in runs_of(save(by=("beta",)))["grouping"]]
    assert alone == ["objective.value.name", "beta.value"]


def test_the_five_terms_are_lines_over_the_steps(save: Callable[..., dict[str, Any]]) -> None:
    lines = panels_of(save())["Run History Line Plot"]
    assert [line["metrics"] for line in lines] == [[f"terms/{term}"] for term in TERM_NAMES]
    assert {line["xAxis"] for line in lines} == {"step"}
    assert lines[1]["chartTitle"] == "index-code MI, nats"


def test_every_metric_is_plotted_against_beta_and_rate_against_distortion(
    save: Callable[..., dict[str, Any]],
) -> None:
    points = {(plot["xAxis"], plot["yAxis"]) for plot in panels_of(save())["Scatter Plot"]}
    assert points == {
        ("summary:rate", "summary:terms/reconstruction"),
        ("config:beta.value", "summary:elbo"),
        ("config:beta.value", "summary:scores/mean/mig"),
    }
    gamma = panels_of(save(by=("gamma",)))["Scatter Plot"]
    assert ("config:gamma.value", "summary:elbo") in {(p["xAxis"], p["yAxis"]) for p in gamma}


def test_settings_and_figures_are_axes_side_by_side(save: Callable[..., dict[str, Any]]) -> None:
    (plot,) = panels_of(save())["Parallel Coordinates Plot"]
    assert [column["accessor"] for column in plot["columns"]] == [
        "config:objective.value.name",
        "config:beta.value",
        "config:prior.value.group_size",
        "config:seed.value",
        "summary:elbo",
        "summary:scores/mean/mig",
    ]


def test_traversals_come_first_of_the_pictures(save: Callable[..., dict[str, Any]]) -> None:
    keys = [key for panel in panels_of(save())["Media Browser"] for key in panel["mediaKeys"]]
    assert keys[:2] == ["figures/traversals", "figures/traversal"]
    assert {"figures/reconstructions", "figures/samples", "figures/latents"} <= set(keys)


def test_without_its_package_the_error_names_what_to_install(
    without_wandb: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)  # importing it fails
    with pytest.raises(UsageError, match="needs wandb-workspaces") as caught:
        save_workspace(None, "vaerun", None, name="x", metrics=METRICS, by=BY)
    assert caught.value.hint == "pip install 'vaerun[workspaces]'"


def test_without_a_key_nothing_is_saved(server: StubWandb, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb_workspaces")
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(UsageError, match="no W&B API key"):
        save_workspace(None, "vaerun", None, name="x", metrics=METRICS, by=BY)
    assert server.views == []


def test_a_rejected_view_is_reported_in_one_line(
    server: StubWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb_workspaces")

    def entity() -> str:
        server.refuse_with = 404  # after the key has been taken
        return "local"

    monkeypatch.setattr(workspace, "_default_entity", entity)
    with pytest.raises(VaerunError, match=r"W&B did not take the view: .*refused") as caught:
        save_workspace(None, "vaerun", None, name="x", metrics=METRICS, by=BY)
    assert (caught.value.exit_code, "\n" in caught.value.message) == (1, False)
