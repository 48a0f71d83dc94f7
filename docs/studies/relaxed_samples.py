"""Print what relaxed samples of c are worth to the decoder, from runs that are validated.

    python docs/studies/relaxed_samples.py outputs/sweep-hfvae_claim

In training the decoder sees a relaxed sample of c, in a validation its category. Of every run the
last validation is compared with the records of the 2,000 training steps before it: the
reconstruction, -log p(x|z), and the loss, which has relaxed samples in both. A row has the mean
over the seeds, in nats.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from claim_runs import read_claim_runs, rows_of

from runner.comparison.runs import ComparedRun
from runner.store.run_folder import RunFolder

STEPS = 2000
IN_TRAINING = ("terms/reconstruction", "loss")
VALIDATED = tuple(f"validation/{name}" for name in IN_TRAINING)


def compared(run: ComparedRun) -> tuple[float, ...] | None:
    """Return reconstruction and loss in training, then those of the last validation; None: none."""
    records = list(RunFolder(run.path).iterate_records())
    validations = [r for r in records if all(r.get(name) is not None for name in VALIDATED)]
    if not validations:
        return None
    last = validations[-1]
    at = last["step"] or 0
    near = [r for r in records if at - STEPS < (r["step"] or 0) <= at]

    def mean(name: str) -> float:
        return fmean(value for r in near if (value := r.get(name)) is not None)

    return (*map(mean, IN_TRAINING), *(last[name] or 0.0 for name in VALIDATED))


def table(folders: Sequence[Path]) -> Iterator[str]:
    """Yield the lines of the table."""
    heads = ("posterior", "objective", "seeds", "reconstruction in training", "of categories",
             "worse by", "loss in training", "of the validation", "worse by")  # fmt: skip
    yield f"| {' | '.join(heads)} |"
    yield "|" + " --- |" * len(heads)
    for row, runs in rows_of(read_claim_runs(folders)).items():
        found = [each for run in runs.values() if (each := compared(run)) is not None]
        if not found:
            continue
        trained, loss, validated, loss_validated = (
            fmean(part) for part in zip(*found, strict=True)
        )
        numbers = (trained, validated, validated - trained, loss, loss_validated,
                   loss_validated - loss)  # fmt: skip
        cells = [row.posterior, f"{row.objective} {row.weights}", str(len(found))]
        yield f"| {' | '.join([*cells, *(f'{number:.1f}' for number in numbers)])} |"


def main() -> None:
    """Print the table of the runs that the command line names."""
    sys.stdout.write("\n".join(table([Path(word) for word in sys.argv[1:]])) + "\n")


if __name__ == "__main__":
    main()
