"""What the commands that look after runs accept, and what their help says."""

from __future__ import annotations

from runner.commands.arguments import Command, Option

_JSON = Option("--json", "as JSON, for programs")

SHOW = Command(
    name="show",
    usage=("vaerun show RUN [--json]",),
    summary="Say what is in the folder of a run or a grid: its state, what was chosen, the final "
    "figures and scores, how the records went, its files, and what resume would do.",
    options=(_JSON,),
    examples=(
        ("vaerun show outputs/2026-01-31/120000-1a2b-sprites-hfvae", ""),
        ("vaerun show outputs/sweep-mnist_grid", "a grid: its runs"),
        ("vaerun show RUN --json", ""),
    ),
    takes="DIR",
)

LIST_RUNS = Command(
    name="list runs",
    usage=("vaerun list runs [DIR ...] [OPTION ...]",),
    summary="List the runs in outputs/ or other folders: state, objective, dataset, the settings "
    "in which they differ, ELBO, and the time since its state was written.",
    options=(
        Option("--sort", "a column, setting or metric; -KEY: the largest first", "KEY",
               is_list=True, takes_dash=True),
        Option("--filter", "runs that pass: beta>4, state=finished, objective=hfvae,vae, name=*x*, "
               "age<2d; several after one another", "CONDITION", is_list=True, by_commas=False),
        Option("--csv", "as CSV, every setting that differs in a column of its own"),
        _JSON,
    ),
    examples=(
        ("vaerun list runs", ""),
        ("vaerun list runs outputs/sweep-mnist_grid --sort -elbo", "the best first"),
        ("vaerun list runs --filter state=finished 'beta>4' 'age<2d'", ""),
        ("vaerun list runs --csv > runs.csv", ""),
    ),
    takes="DIR",
)  # fmt: skip

DIFF = Command(
    name="diff",
    usage=("vaerun diff RUN RUN ... [--all] [--json]",),
    summary="Put two or more runs side by side: the settings in which they differ, versions, final "
    "figures and scores, and their differences from the first run.",
    options=(
        Option("--all", "also settings that only follow from others, and figures of details"),
        _JSON,
    ),
    examples=(("vaerun diff outputs/sweep-mnist_grid/0 outputs/sweep-mnist_grid/3", ""),),
    takes="DIR",
)

DELETE = Command(
    name="delete",
    usage=("vaerun delete DIR ... [--yes] [--dry-run]",),
    summary="Delete runs, grids, or the files of comparisons. It says what would go, and asks. "
    "Files that are not of a run stay, links are never followed, and a run in training is refused.",
    options=(
        Option("--yes", "delete without asking", short=("-y",)),
        Option("--dry-run", "say what would go, and delete nothing"),
    ),
    examples=(
        ("vaerun delete outputs/2026-01-31/120000-1a2b-sprites-hfvae", ""),
        ("vaerun delete outputs/sweep-mnist_grid --dry-run", ""),
        ("vaerun delete outputs/sweep-mnist_grid/3 --yes", "resume trains run 3 again"),
    ),
    takes="DIR",
)

EXPORT = Command(
    name="export",
    usage=("vaerun export RUN [-o DIR] [--format FORMAT]",),
    summary="Write the encoder and the decoder of a trained run for other programs: as ONNX models "
    "and as programs of torch.export, for batches of any size, each checked against the model. "
    "model.json beside them says what goes in and what comes out.",
    options=(
        Option("--out", "folder for the files (default: RUN/export)", "DIR", short=("-o",)),
        Option("--format", "onnx, torch or both (the default)", "FORMAT",
               choices=("onnx", "torch", "both")),
        Option("--trust", "find the data of a run that is not yours where its settings say"),
    ),
    examples=(
        ("vaerun export outputs/sweep-mnist_grid/3 -o model", ""),
        ("vaerun export RUN -o model --format onnx", ""),
    ),
    takes="DIR",
)  # fmt: skip

MANUAL_OF_RUNS = (SHOW, LIST_RUNS, DIFF, DELETE, EXPORT)
