"""A W&B server on 127.0.0.1 that keeps runs, sweeps and views in memory.

It speaks what wandb 0.31 asks of a server. It shows that our calls are well formed and that what
we log leaves the machine, not how W&B itself would show it.

    with StubWandb() as server:
        ...  # WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY
    server.runs["my-run"].summary
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import yaml

KEY = "0" * 40
"""An API key that the client accepts as well formed."""

_ENTITY = {"id": "entity", "name": "local"}
_VIEWER = {
    "id": "user",
    "entity": "local",
    "username": "local",
    "email": "",
    "flags": "{}",
    "teams": {"edges": []},
}


@dataclass
class StubRun:
    """One run on the server."""

    about: dict[str, Any] = field(default_factory=dict[str, Any])
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    rows: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    summary: dict[str, Any] = field(default_factory=dict[str, Any])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    exit_code: int | None = None

    @property
    def history(self) -> list[dict[str, Any]]:
        return [self.rows[number] for number in sorted(self.rows)]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What was defined: "1" a name or "2" a pattern, "5" the x-axis, counted from 1, "7" how it
        is summarized (1 its minimum, 5 the last).
        """
        return self.config["_wandb"]["value"]["m"]


class StubWandb:
    """The server; ``runs`` by run id, ``operations`` the names of all requests in their order."""

    def __init__(self) -> None:
        self.runs: dict[str, StubRun] = defaultdict(StubRun)
        self.operations: list[str] = []
        self.artifacts: dict[str, str] = {}
        """The kind of each artifact, by its name."""
        self.views: list[dict[str, Any]] = []
        """The workspaces that were saved, with their ``spec`` decoded."""
        self.refuse_with: int | None = None
        """An HTTP status with which to answer everything from now on."""
        self.runs_at_once = 1
        """How many runs an agent that is idle is given; W&B gives one."""
        self._sweeps: dict[str, dict[str, Any]] = {}
        self._agent_work: list[dict[str, Any]] = []
        self._server = _Server(self)
        self._open = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> StubWandb:
        serve = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        serve.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, as a network that fails."""
        if self._open:
            self._open = False
            self.refuse_with = 500  # connections that are kept alive outlive the socket
            self._server.shutdown()
            self._server.server_close()

    def answer(self, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Return the data of a GraphQL answer, empty where the client does not need it."""
        self.operations.append(operation)
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "Viewer": lambda _: {"viewer": _VIEWER},
            "GetDefaultEntity": lambda _: {"viewer": _VIEWER},
            "ServerFeaturesQuery": lambda _: {"serverInfo": {"features": []}},
            "RunResumeStatus": self._resume_status,
            "UpsertBucket": self._upsert_run,
            "CreateRunFiles": self._upload_addresses,
            "UpsertSweep": self._upsert_sweep,
            "Sweep": self._sweep,
            "SweepWithRuns": self._sweep,
            "CreateAgent": self._create_agent,
            "Heartbeat": self._heartbeat,
            "UpsertView2": self._upsert_view,
            "ArtifactType": lambda _: {"project": None},
            "CreateArtifact": self._create_artifact,
            "CreateArtifactManifest": self._artifact_manifest,
            "UpdateArtifactManifest": self._artifact_manifest,
            "CreateArtifactFiles": self._artifact_files,
            "CommitArtifact": self._commit_artifact,
        }
        return answers.get(operation, lambda _: {})(variables)

    def stream(self, run_id: str, message: dict[str, Any]) -> None:
        """Store one message of a run's file stream."""
        run = self.runs[run_id]
        files = message.get("files") or {}
        if rows := files.get("wandb-history.jsonl"):
            for number, line in enumerate(rows["content"], start=rows["offset"]):
                run.rows[number] = json.loads(line)
        if summary := files.get("wandb-summary.json"):
            run.summary = json.loads(summary["content"][-1])
        if message.get("complete"):
            run.exit_code = message["exitcode"]

    def _resume_status(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables["name"]
        if name not in self.runs:
            return {"model": None}
        run = self.runs[name]
        bucket = {
            "id": name,
            "name": name,
            "displayName": run.about.get("displayName"),
            "summaryMetrics": json.dumps(run.summary),
            "config": json.dumps(run.config),
            "historyLineCount": len(run.rows),
            "historyTail": json.dumps([json.dumps(row) for row in run.history[-1:]]),
            "logLineCount": 0,
            "eventsLineCount": 0,
            "eventsTail": "[]",
            "tags": run.about.get("tags") or [],
            "notes": "",
            "wandbConfig": '{"t": 1}',
        }
        return {
            "model": {
                "id": "project",
                "name": variables["project"],
                "entity": _ENTITY,
                "bucket": bucket,
            }
        }

    def _upsert_run(self, variables: dict[str, Any]) -> dict[str, Any]:
        run = self.runs[variables["name"]]
        inserted = not run.about
        run.config.update(json.loads(variables.get("config") or "{}"))
        run.about.update({key: value for key, value in variables.items() if value is not None})
        bucket = {
            "id": variables["name"],
            "name": variables["name"],
            "displayName": run.about.get("displayName"),
            "description": None,
            "config": json.dumps(run.config),
            "sweepName": variables.get("sweep"),
            "historyLineCount": len(run.rows),
            "project": {"id": "project", "name": run.about.get("project"), "entity": _ENTITY},
        }
        return {"upsertBucket": {"inserted": inserted, "bucket": bucket}}

    def _upload_addresses(self, variables: dict[str, Any]) -> dict[str, Any]:
        run = variables["run"]
        files = [
            {"name": name, "uploadUrl": f"{self.url}/upload/{run}/{name}"}
            for name in variables["files"]
        ]
        return {"createRunFiles": {"runID": run, "uploadHeaders": [], "files": files}}

    def _create_artifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables["input"]["artifactCollectionName"]
        self.artifacts[name] = variables["input"]["artifactTypeName"]
        sequence = {"id": name, "latestArtifact": None}
        artifact = {"id": name, "state": "PENDING", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": artifact}}

    def _artifact_manifest(self, variables: dict[str, Any]) -> dict[str, Any]:
        del variables
        file = {"id": "file", **self._place("manifest")}
        manifest = {"artifactManifest": {"id": "manifest", "file": file}}
        return {"createArtifactManifest": manifest, "updateArtifactManifest": manifest}

    def _artifact_files(self, variables: dict[str, Any]) -> dict[str, Any]:
        files = [
            {
                "id": each["name"],
                **self._place(each["name"]),
                "storagePath": each["name"],
                "uploadMultipartUrls": None,
                "artifact": {"id": each["artifactID"]},
            }
            for each in variables["input"]["artifactFiles"]
        ]
        edges = [{"node": file} for file in files]
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _commit_artifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"commitArtifact": {"artifact": {"id": variables["artifactID"], "digest": ""}}}

    def _place(self, name: str) -> dict[str, Any]:
        """Where a file of an artifact is sent, whose content is not kept."""
        address = f"{self.url}/artifact/{name}"
        return {"name": name, "displayName": name, "uploadUrl": address, "uploadHeaders": []}

    def _upsert_sweep(self, variables: dict[str, Any]) -> dict[str, Any]:
        sweep_id = f"sweep{len(self._sweeps)}"
        self._sweeps[sweep_id] = yaml.safe_load(variables["config"])
        project = {"id": "project", "name": variables["projectName"], "entity": _ENTITY}
        sweep = {"name": sweep_id, "project": project}
        return {"upsertSweep": {"sweep": sweep, "configValidationWarnings": []}}

    def _sweep(self, variables: dict[str, Any]) -> dict[str, Any]:
        sweep_id = variables.get("sweep") or variables.get("id") or ""
        sweep = {
            "id": sweep_id,
            "name": sweep_id,
            "state": "RUNNING",
            "config": yaml.safe_dump(self._sweeps[sweep_id]),
            "runs": {"edges": []},
            "method": "grid",
            "createdAt": "",
            "heartbeatAt": "",
            "description": "",
            "earlyStopJobRunning": False,
            "controller": None,
            "scheduler": None,
            "bestLoss": None,
        }
        return {"project": {"sweep": sweep}}

    def _upsert_view(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.views.append({**variables, "spec": json.loads(variables["spec"])})
        return {"upsertView": {"view": {"id": "view", "name": variables["name"]}, "inserted": True}}

    def _create_agent(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Queue every combination of the sweep's parameters for the agent."""
        sweep_id = variables["sweep"]
        sweep = self._sweeps[sweep_id]
        parameters = sweep["parameters"]
        choices = [_grid(entry) for entry in parameters.values()]
        for number, chosen in enumerate(itertools.product(*choices)):
            args = {key: {"value": value} for key, value in zip(parameters, chosen, strict=True)}
            run = {"type": "run", "run_id": f"{sweep_id}run{number}", "args": args}
            self._agent_work.append(run | {"program": sweep.get("program")})
        return {"createAgent": {"agent": {"id": "agent"}}}

    def _heartbeat(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the agent its next run once it is idle, and stop it after the last."""
        busy = any(json.loads(variables.get("runState") or "{}").values())
        commands: list[dict[str, Any]] = []
        if not busy:
            commands = self._agent_work[: self.runs_at_once] or [{"type": "exit"}]
            del self._agent_work[: self.runs_at_once]
        return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps(commands)}}


def _grid(entry: dict[str, Any]) -> list[Any]:
    """The values that a grid tries for a parameter of a sweep, as W&B's own source has them.

    Source: github.com/wandb/sweeps, src/sweeps/grid_search.py and config/schema.json.
    """
    if "values" in entry:
        return list(entry["values"])
    if "value" in entry:
        return [entry["value"]]
    kind = entry.get("distribution", "int_uniform")
    low, high = entry["min"], entry["max"]
    if kind == "int_uniform" and "q" not in entry and {type(low), type(high)} == {int}:
        return list(range(low, high + 1))
    if kind == "q_uniform":
        return np.arange(low, high, entry.get("q", 1)).tolist()  # without its end
    raise ValueError(f"a grid cannot try every value of {entry}")


def _operation(request: dict[str, Any]) -> str:
    """The name of a GraphQL operation; the command line of W&B gives it in the query alone."""
    named = re.search(r"(?:query|mutation)\s+(\w+)", request["query"])
    return request.get("operationName") or (named[1] if named else "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stub: StubWandb) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stub = stub

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    """Turns HTTP into calls of the stub."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        self._send({})

    def do_PUT(self) -> None:
        body = self._body()
        if self.path.startswith("/upload/"):
            _, _, run_id, name = self.path.split("/", 3)
            self.server.stub.runs[run_id].files[name] = body
        self._send({})

    def do_POST(self) -> None:
        body, stub = self._body(), self.server.stub
        if stub.refuse_with is not None:
            self._send({"errors": [{"message": "refused by the stub"}]}, stub.refuse_with)
        elif self.path.startswith("/graphql"):
            request = json.loads(body)
            variables = request.get("variables") or {}
            self._send({"data": stub.answer(_operation(request), variables)})
        elif self.path.endswith("/file_stream"):
            stub.stream(self.path.split("/")[4], json.loads(body))
            self._send({"limits": {}})
        else:  # telemetry
            self._send({})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        zipped = self.headers.get("Content-Encoding") == "gzip"
        return gzip.decompress(body) if zipped else body

    def _send(self, answer: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
