"""Plants faults in a copy of the tree, one at a time, and checks that the tests catch each.

    python tests/mutations.py                 all of them, some minutes
    python tests/mutations.py resume          those of one part

It says of every fault by which test it was caught, and ends with exit code 1 where one survived, or
where the text that a fault replaces is no longer in its file: then the table has to be mended.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPIED = ("runner", "conf", "sweeps", "tests", "docs", "pyproject.toml")
LIBRARIES = ("torch", "hydra", "sklearn.linear_model", "scipy.stats", "matplotlib.figure")


_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Plugins among the libraries are imported before pytest can rewrite their assertions."""


@dataclass(frozen=True)
class Mutation:
    """A fault: what stands in a file, and what is written instead."""

    file: str
    text: str
    replacement: str

    def __str__(self) -> str:
        return f"{self.file}: {_one_line(self.text)} -> {_one_line(self.replacement) or 'nothing'}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


AGGREGATE = "runner/objective/aggregate_posterior.py"
WEIGHTS = "runner/objective/encoding_weights.py"
SWEEP_OF_FEW = "runner/objective/sweep_few.py"
SWEEP_OF_MANY = "runner/objective/sweep_many.py"
TERMS = "runner/objective/terms.py"
CHECKPOINT = "runner/store/checkpoint.py"
STATE = "runner/training/state.py"
RANDOMNESS = "runner/training/randomness.py"
PAIR_AVERAGES = "runner/objective/pair_averages.py"
PARTNERS = "runner/dataset/pairs.py"
PAIRS = "runner/training/pairs.py"
STORY = "runner/runs/train.py"
STATISTICS = "runner/comparison/statistics.py"
CONFIGURATIONS = "runner/comparison/configurations.py"
BASELINE = "runner/comparison/baseline.py"

MUTATIONS: dict[str, list[Mutation]] = {
    "estimator": [
        Mutation(WEIGHTS, "own = -math.log(dataset_size)", "own = -math.log(encodings)"),
        Mutation(
            WEIGHTS,
            "math.log((dataset_size - 1) / (dataset_size * (encodings - 1)))",
            "math.log(1 / encodings)",
        ),
        Mutation(
            WEIGHTS,
            "columns_M[self.first : self.first + samples, None]",
            "columns_M[:samples, None]",
        ),
        Mutation(WEIGHTS, "others = samples - 1 +", "others = samples +"),
        Mutation(WEIGHTS, "weight = -math.log(encodings)", "weight = -math.log(encodings + 1)"),
        Mutation(WEIGHTS, "weight = -(samples + is_held_K", "weight = -(samples + 1 + is_held_K"),
        Mutation(SWEEP_OF_FEW, ".sub_(self.zeroth_S1C)", ""),
        Mutation(SWEEP_OF_FEW, "self.first + part.start", "self.first"),
        Mutation(SWEEP_OF_MANY, "second_XC - loc_XC * (first_XC + away_XC)", "second_XC"),
        Mutation(AGGREGATE, "clamp_min(tiny).log() + top_B1)", "clamp_min(tiny).log())"),
        Mutation(TERMS, "levels_L[1:].sum()", "levels_L[1]"),
        Mutation(TERMS, "level = level - log_p.total(whole) +", "level = level + 0 *"),
        Mutation(TERMS, "index_code_mi=own_V.sum() -", "index_code_mi=own_V[:-1].sum() -"),
        Mutation(TERMS, "own_G - log_q.each(groups)", "own_G.detach() - log_q.each(groups)"),
    ],
    "pairs": [
        Mutation(PAIR_AVERAGES, "0.5 * (loc_HV + other_HV)", "0.5 * (other_HV + other_HV)"),
        Mutation(PAIR_AVERAGES, "(-log_other_HV).exp()", "(-log_scale_HV).exp()"),
        Mutation(PAIR_AVERAGES, "kl_HV < middle_H1", "kl_HV > middle_H1"),
        Mutation(PAIRS, ".unflatten(0, (-1, 2))", ".unflatten(0, (2, -1)).transpose(0, 1)"),
        Mutation(PAIRS, "average_HP[:, None], pairs", "average_HP[:, None].detach(), pairs"),
        Mutation(PARTNERS, "1 + (torch.rand", "(torch.rand"),
        Mutation(PARTNERS, "argsort(2).argsort(2) < differ", "argsort(2).argsort(2) <= differ"),
        Mutation(PARTNERS, "+ (sizes_F < 2)", ""),
        Mutation(RANDOMNESS, "torch.stack(pairs, dim=1)", "torch.stack(pairs, dim=0)"),
    ],
    "resume": [
        Mutation(CHECKPOINT, '.hexdigest() != file.get("sha256")', '.hexdigest() == ""'),
        Mutation(CHECKPOINT, "if path.name not in names:", "if True:"),
        Mutation(STATE, "        self.step = step\n", ""),
        Mutation(STATE, 'self.bank.images_K.copy_(tensors["bank"]["images"])', "pass"),
        Mutation(STATE, 'start = f"{name}/"', 'start = f"{name}/-"'),
        Mutation(RANDOMNESS, "{seed}/{purpose}/{index}", "{seed}/{purpose}"),
        Mutation(RANDOMNESS, "if epoch != self._epoch:", "if self._epoch < 0:"),
        Mutation(STORY, "    folder.rewind_records(state.step)\n", ""),
        Mutation(STORY, '_RESUMABLE = ("steps",', '_RESUMABLE = ("seed", "steps",'),
        Mutation(STORY, '"interrupted" if stopped', '"failed" if stopped'),
        Mutation(STORY, "    run.state.check_finite()\n", ""),
        Mutation(STORY, "round(before + time.monotonic()", "round(time.monotonic()"),
    ],
    "comparison": [
        Mutation(STATISTICS, "values.std(ddof=1)", "values.std(ddof=0)"),
        Mutation(STATISTICS, "ones[seed] - others[seed]", "others[seed] - ones[seed]"),
        Mutation(STATISTICS, "sum(values) / len(values)", "values[-1]"),
        Mutation(STATISTICS, "float(sqrt(count / (count - 1)) *", "float(1 *"),
        Mutation(STATISTICS, "if len(seeds) >= LEAST_PAIRS", "if len(seeds) > LEAST_PAIRS"),
        Mutation(CONFIGURATIONS, "set(latest.values())", "set(range(len(finished)))"),
        Mutation(
            CONFIGURATIONS,
            '[run for run in runs if run.state == "finished"]',
            '[run for run in runs if run.state != "running"]',
        ),
        Mutation(CONFIGURATIONS, "if key not in each.unused]", "]"),
        Mutation(
            BASELINE,
            "if baseline is not None and baseline is not configuration",
            "if baseline is not None",
        ),
        Mutation(BASELINE, "yaml.safe_load(text) == value", "False"),
    ],
}

OF_THE_OBJECTIVE = ("tests/unit/objective", "tests/property/test_terms.py")
OF_THE_STORY = ("tests/unit/runs/test_runs_train.py",)

TESTS: dict[str, tuple[str, ...]] = {
    AGGREGATE: OF_THE_OBJECTIVE,
    WEIGHTS: OF_THE_OBJECTIVE,
    SWEEP_OF_FEW: OF_THE_OBJECTIVE,
    SWEEP_OF_MANY: OF_THE_OBJECTIVE,
    TERMS: OF_THE_OBJECTIVE,
    CHECKPOINT: ("tests/unit/store/test_store_checkpoint.py",),
    STATE: ("tests/unit/training/test_training_state.py", *OF_THE_STORY),
    PAIR_AVERAGES: ("tests/unit/objective/test_objective_pair_averages.py",),
    PARTNERS: ("tests/unit/dataset/test_dataset_pairs.py",),
    PAIRS: ("tests/unit/training/test_training_pairs.py",),
    RANDOMNESS: (
        "tests/unit/training/test_training_randomness.py",
        "tests/unit/training/test_training_pairs.py",
        *OF_THE_STORY,
    ),
    STORY: OF_THE_STORY,
    STATISTICS: ("tests/unit/comparison",),
    CONFIGURATIONS: ("tests/unit/comparison",),
    BASELINE: ("tests/unit/comparison", "tests/unit/report/test_report_table.py"),
}
"""File → the tests that have to catch its faults."""


def run_tests(tree: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run tests in a fork of this process, which has imported the libraries and no file of ours.

    Returns pytest's exit code, and what it printed.
    """
    log = tree / "log.txt"
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = _in_child(tree, tests, log)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), log.read_text()


def _in_child(tree: Path, tests: tuple[str, ...], log: Path) -> int:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    os.environ["PYTHONPATH"] = str(tree)
    sys.dont_write_bytecode = True  # two faults of one file may be of one size and second
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--tb=no", *_QUIET]
    return pytest.main([*options, *tests])


def caught_by(tree: Path, mutation: Mutation) -> str | None:
    """Return the test that fails with a fault, or None where the fault survives.

    Raises: ValueError when the fault cannot be planted, or keeps the tests from running at all.
    """
    path = tree / mutation.file
    sound = path.read_text()
    if sound.count(mutation.text) != 1:
        raise ValueError(f"stands {sound.count(mutation.text)} times in its file")
    path.write_text(sound.replace(mutation.text, mutation.replacement))
    try:
        code, log = run_tests(tree, TESTS[mutation.file])
    finally:
        path.write_text(sound)
    if code not in (0, 1):
        raise ValueError(f"pytest ended with exit code {code}:\n{log}")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", log, re.MULTILINE)
    return failed[1] if failed else None


def copy_of(root: Path, place: Path) -> Path:
    """Return a copy of what the tests need of a tree."""
    tree = place / "tree"
    tree.mkdir()
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, tree / name)
    return tree


def main(parts: list[str]) -> int:
    """Plant every fault of the parts, and return how the process is to end."""
    for name in LIBRARIES:
        importlib.import_module(name)
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        tree = copy_of(ROOT, Path(place))
        for part in parts or MUTATIONS:
            files = dict.fromkeys(mutation.file for mutation in MUTATIONS[part])
            tests = dict.fromkeys(test for file in files for test in TESTS[file])
            code, log = run_tests(tree, tuple(tests))
            if code != 0:
                raise SystemExit(f"the tests of '{part}' fail without a fault:\n{log}")
            for mutation in MUTATIONS[part]:
                try:
                    found = caught_by(tree, mutation) or "SURVIVES"
                except ValueError as error:
                    found = f"CANNOT BE PLANTED: {error}"
                bad += found.startswith(("SURVIVES", "CANNOT"))
                sys.stdout.write(f"{part}: {mutation}\n    {found}\n")
                sys.stdout.flush()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
