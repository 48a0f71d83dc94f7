"""Too little memory, whoever says so and wherever: one line that names what would need less."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from runner import cli, memory
from runner.config.composition import compose_run
from runner.errors import UsageError
from runner.metric import Codes

HUGE = 10**15

REAL: dict[str, Callable[[], object]] = {
    "torch": lambda: torch.empty(HUGE),
    "torch, an overflow": lambda: torch.empty(10**10, 10**10),
    "torch, no index": lambda: torch.empty(2**70),
    "torch, copies": lambda: torch.zeros(3).repeat(10**18),
    "numpy": lambda: np.zeros(HUGE),
    "numpy, an overflow": lambda: np.zeros((10**10, 10**10)),
    "numpy, no index": lambda: np.zeros(2**70),
    "numpy, an iterator": lambda: np.broadcast_to(np.zeros(1), (2**32, 2**32)).copy(),
    "a list": lambda: [0] * HUGE,
    "a list, no index": lambda: [0] * 2**70,
    "a text": lambda: "a" * HUGE,
    "a range": lambda: list(range(2**70)),
}


def raised(make: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as error:  # noqa: PT011 - whatever is raised is the question
        make()
    return error.value


@pytest.mark.parametrize("make", REAL.values(), ids=REAL)
def test_what_cannot_be_allocated_is_recognised(make: Callable[[], object]) -> None:
    found = memory.failure(raised(make))
    assert found is not None
    assert found.exit_code == 1
    assert "too little memory" in found.message
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "there is too little memory for this"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has …"),
            "the device has too little memory for this, which needs 2.50 GiB more",
        ),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:1] . DefaultCPUAllocator: can't allocate "
                         "memory: you tried to allocate 3221225472 bytes."),
            "which needs 3.0 GiB more",
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling …"), "the device has"),
        (RuntimeError("Invalid buffer size: 40.00 GiB"), "too little memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little memory"),
    ],
)  # fmt: skip
def test_how_much_was_needed_is_said_where_it_is_known(error: Exception, says: str) -> None:
    found = memory.failure(error)
    assert found is not None
    assert says in found.message


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("cannot reshape"),
        KeyError("out of memory"),
        OSError(errno.ENOSPC, "No space left on device"),
        UsageError("out of memory"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_are_not_taken_for_it(error: BaseException) -> None:
    assert memory.failure(error) is None


@pytest.mark.parametrize(
    ("module", "says", "hint"),
    [
        ("runner.commands.compare", "this comparison", "--no-figures"),
        ("runner.commands.sweep_options", "the grid", "fewer values"),
        ("runner.config.compose", "the settings", "shorter lists"),
        ("runner.dataset.sprites", "the images of the dataset", "a smaller dataset"),
        ("runner.training.state", "the model", "prior.dimensions"),
        ("runner.training.loop", "a step of training", "batch_size"),
        ("runner.evaluation.scores", "a score", "metrics=fast"),
        ("runner.evaluation.summary", "the evaluation", "evaluation.encodings"),
        ("runner.figures.of_run", "the figures", "evaluation.map_points"),
        ("elsewhere", "this", "batch_size"),
    ],
)
def test_the_advice_is_that_of_where_it_happened(module: str, says: str, hint: str) -> None:
    scope: dict[str, object] = {"__name__": module}
    exec("def fill():\n    raise MemoryError", scope)
    fill = scope["fill"]
    assert callable(fill)
    found = memory.failure(raised(fill))
    assert found is not None
    assert says in found.message
    assert hint in str(found.hint)


@pytest.mark.parametrize(
    "override",
    [
        "prior.dimensions=1000000000",
        "architecture.widths=[100000,100000000]",
        "architecture.widths=[1000000000000000]",
        "objective.encodings=100000000000",
        "objective.penalties.discriminator.widths=[1000000,1000000000]",
    ],
)
def test_a_size_that_fits_no_memory_is_refused_before_a_run(
    override: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "total", lambda: 2**36)
    key = override.partition("=")[0]
    with pytest.raises(UsageError, match=rf"{key}=.* needs at least .*iB .* there are 64.0 GiB"):
        compose_run(["dataset=digits", override])


def test_a_score_of_more_images_than_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = Codes.of(np.arange(8.0)[:, None], np.arange(8), complete=True)
    monkeypatch.setattr(memory, "total", lambda: 2**20)
    with pytest.raises(UsageError, match=r"a score of 100,000 images needs at least 2.3 MiB"):
        codes.sample(100_000, np.random.default_rng(0))
    assert len(codes.sample(10, np.random.default_rng(0))) == 10


@pytest.mark.parametrize(
    ("groups", "file", "text", "limit"),
    [
        ("0::/\n", "memory.max", "1048576\n", 2**20),
        ("0::/\n", "memory.max", "max\n", None),
        ("0::/job/step\n", "job/step/memory.max", "1048576\n", 2**20),
        ("0::/job/step\n", "job/memory.max", "1048576\n", 2**20),
        ("0::/job\n", "other/memory.max", "1048576\n", None),
        ("3:cpu:/\n2:memory:/box\n", "memory/box/memory.limit_in_bytes", "1048576\n", 2**20),
        ("2:memory:/\n", "memory/memory.limit_in_bytes", "9223372036854771712\n", None),
    ],
)
def test_the_memory_of_a_container_or_a_job_counts(
    groups: str,
    file: str,
    text: str,
    limit: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    (tmp_path / "groups").write_text(groups)
    monkeypatch.setattr(memory, "_LIMITS", tmp_path)
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "missing")
    everything = memory.total()
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    assert memory.total() == (limit or everything)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (2**41, "2.0 TiB")]
)
def test_sizes_are_said_in_their_unit(count: int, text: str) -> None:
    assert memory.size(count) == text


def test_the_command_line_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_run", lambda _: np.zeros(HUGE))
    assert cli.main() == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "error: there is too little memory for this, which needs 7.11 PiB more"
    assert second.startswith("  a smaller batch_size")
