"""What each command accepts and what its help says; nothing here imports more than the reader."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner.commands.arguments import Command, Option
from runner.commands.manual_models import ENCODE, SAMPLE, TRAVERSE
from runner.commands.manual_of_runs import MANUAL_OF_RUNS

_CONFIG_DIR = Option(
    "--config-dir",
    "a folder of own YAML, laid out as conf/ is",
    "DIR",
    is_list=True,
    short=("-cd",),
)
_TRUST = Option(
    "--trust",
    "follow where runs that are not yours are logged and find their data, and run their own pieces",
)
_OF_RUNS = (
    ("device=DEVICE", "auto, cpu, cuda, cuda:1, mps"),
    ("data_dir=DIR", "the folder of the datasets"),
    ("dataset.path=PATH", "where your own images are, if they were moved"),
    ("plugins=[FILE]", "own pieces beside those of the run, or where they are now"),
    ("wandb.KEY=VALUE", "where W&B puts the runs; vaerun list wandb"),
    ("tracking.KEY=VALUE", "which trackers have the runs; vaerun list tracking"),
)


def _group(name: str) -> list[str]:
    """Return the names of the choices of a group of ``conf/``."""
    here = Path(__file__).resolve().parent.parent
    root = here / "_data" if (here / "_data" / "conf").is_dir() else here.parent
    return sorted(path.stem for path in (root / "conf" / name).glob("*.yaml"))


def _listed() -> Iterable[str]:
    from runner.config.descriptions import names

    return names()


TRAIN = Command(
    name="",
    usage=("vaerun [KEY=VALUE ...]", "vaerun -m KEY=A,B ...", "vaerun sweep=NAME"),
    summary="Train one run, or a grid of runs.",
    options=(
        Option("--multirun", "train every combination of the values given", short=("-m",)),
        Option("--dry-run", "say what a grid would train, and how long that would take"),
        Option(
            "--cfg", "print the composed settings: job, hydra or all", "KIND", short=("-c",),
            choices=("job", "hydra", "all"),
        ),
        Option("--package", "print this section of the settings alone", "KEY", short=("-p",)),
        Option("--resolve", "print the values of references such as ${beta}"),
        Option(
            "--info", "print how Hydra finds the settings", "WHAT", short=("-i",), default="all",
            choices=("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
        ),
        _CONFIG_DIR,
        Option(
            "--shell-completion", "install=SHELL or uninstall=SHELL: bash, zsh, fish",
            short=("-sc",),
        ),
        Option(
            "--config-path", "", "DIR", short=("-cp",),
            refused="--config-dir DIR adds a folder of own YAML",
        ),
        Option(
            "--config-name", "", "NAME", short=("-cn",),
            refused="experiment=NAME takes all settings from one file",
        ),
        Option("--run", "", short=("-r",), refused="without it: vaerun [KEY=VALUE ...]"),
        Option("--hydra-help", "", refused="vaerun --help"),
        Option(
            "--experimental-rerun", "", "FILE", refused="vaerun resume DIR goes on with a run",
        ),
    ),
)  # fmt: skip

RESUME = Command(
    name="resume",
    usage=("vaerun resume DIR [KEY=VALUE ...]",),
    summary="Go on exactly where a run or a grid stopped. DIR is a run folder, or the folder of a "
    "grid, whose finished runs stay as they are unless they are to be trained further. What "
    "somebody else made, or you on a machine with another home, goes on without W&B and with your "
    "own data_dir, unless you say --trust.",
    options=(_CONFIG_DIR, _TRUST),
    settings=(
        ("steps=N, epochs=N", "train the run, or every run of the grid, further"),
        ("evaluation.KEY=VALUE", "of one run: how its final figures are computed"),
        ("figures.KEY=VALUE", "of one run: format and width of its figures"),
        ("training.checkpoint_minutes=N", "minutes between two checkpoints"),
        ("training.stop_early.KEY=VALUE", "when it stops before its last step"),
        *_OF_RUNS,
        ("only=3,7-9", "of a grid: these runs alone"),
        ("launcher=NAME", "of a grid: where it runs; vaerun list launcher"),
        ("search.trials=N", "of a search: how many runs it has in all"),
    ),
    examples=(
        ("vaerun resume outputs/2026-01-31/120000-1a2b-sprites-hfvae", ""),
        ("vaerun resume outputs/2026-01-31/120000-1a2b-sprites-hfvae steps=20000", ""),
        ("vaerun resume outputs/sweep-mnist_grid only=0-3", ""),
        ("vaerun resume outputs/sweep-mnist_grid epochs=200", ""),
    ),
    takes="DIR",
)

EVALUATE = Command(
    name="evaluate",
    usage=(
        "vaerun evaluate DIR ... [metrics=NAME] [KEY=VALUE ...]",
        "vaerun evaluate --codes FILE.npz [metrics=NAME]",
    ),
    summary="Score runs again, or whole grids of them, or codes that another program made. A score "
    "that a run has already, with the same settings, is not computed again.",
    options=(
        Option("--codes", "an .npz file of codes and factors, in place of runs", "FILE.npz"),
        _TRUST,
    ),
    settings=(
        ("metrics=NAME", "which scores: fast, reference (the default) or none"),
        ("metrics.KEY=VALUE", "a setting of a score; vaerun list metrics"),
        ("checkpoint=best|last", "the model of the best validation, or the last; its summary, too"),
        ("evaluation.encodings=N", "the summary again, q(z) from so many, or all"),
        ("figures.KEY=VALUE", "draw the figures again: their format, width"),
        *_OF_RUNS,
    ),
    examples=(
        ("vaerun evaluate outputs/sweep-mnist_grid", "every score, as published"),
        ("vaerun evaluate DIR metrics=fast metrics.mig.bins=40", ""),
        ("vaerun evaluate DIR evaluation.encodings=all", "q(z) from all images"),
        ("vaerun evaluate DIR figures.format=pdf", "figures alone"),
        ("vaerun evaluate --codes codes.npz metrics=fast", "writes codes.scores.json"),
    ),
    takes="DIR",
)

COMPARE = Command(
    name="compare",
    usage=("vaerun compare DIR ... [OPTION ...]",),
    summary="Put finished runs side by side: a table, CSV and JSON files, figures, and a page. "
    "Runs that differ in their seed alone make up one configuration.",
    options=(
        Option("--by", "settings that define a configuration (default: all that vary)", "KEY,KEY",
               is_list=True),
        Option("--metric", "metrics to show, the main one first; list prints all", "NAME,NAME",
               is_list=True),
        Option("--against", "the configuration that the others are compared with", "LABEL"),
        Option("--out", "folder for the files (default: DIR/comparison)", "DIR"),
        Option("--html", "write the page to this file too", "FILE"),
        Option("--format", "of the figures: png, pdf or svg, or several", "NAME,NAME",
               is_list=True),
        Option("--width", "inches of the page that figures are to fit", "INCHES"),
        Option("--no-figures", "draw nothing"),
        Option("--wandb", "save a view of these runs on W&B"),
        Option("--trust", "save it where runs that are not yours are logged, run their pieces"),
    ),
    examples=(
        ("vaerun compare outputs/sweep-mnist_grid", ""),
        ("vaerun compare DIR --by beta --metric elbo,mig", ""),
        ("vaerun compare DIR --metric list", "the metrics that these runs have"),
        ("vaerun compare DIR --format pdf --width 6.9", ""),
        ("vaerun compare DIR DIR --against 'beta_vae  beta 1' --html page.html", ""),
    ),
    takes="DIR",
)  # fmt: skip

LIST = Command(
    name="list",
    usage=("vaerun list [NAME ...] [plugins=[FILE]]", "vaerun list runs [DIR ...]"),
    summary="Show what can be chosen, and explain settings. NAME is a group (objective), a section "
    "(training, objective.penalties) or a single setting (beta). The runs that there are is what "
    "vaerun list runs shows, which has a page of its own.",
    examples=(
        ("vaerun list", "every group and its choices"),
        ("vaerun list prior", "the priors, with the settings of each"),
        ("vaerun list training", "a section of the settings, with defaults"),
        ("vaerun list objective.penalties.mmd learning_rate", ""),
        ("vaerun list prior plugins=[a.py]", "with your own among them"),
    ),
    takes="NAME",
    offers=_listed,
)

FETCH = Command(
    name="fetch",
    usage=("vaerun fetch [DATASET ...] [data_dir=DIR]",),
    summary="Download the files of datasets, check them, and unpack them once. Without a name: "
    "which there are, how large, and whether they are there.",
    options=(
        Option("--unverified", "take files as they come that were published without a digest"),
    ),
    settings=(("data_dir=DIR", "the folder of the datasets (default: data)"),),
    examples=(
        ("vaerun fetch", ""),
        ("vaerun fetch mnist dsprites data_dir=/data", ""),
    ),
    takes="DATASET",
    offers=lambda: _group("dataset"),
)

SYNC = Command(
    name="sync",
    usage=("vaerun sync DIR ...",),
    summary="Upload to W&B what runs logged offline, each once. DIR is a run folder or holds some. "
    "The log of a run says where it goes, and what: only your own are uploaded, unless you trust.",
    options=(Option("--trust", "upload the logs of runs that are not yours as well"),),
    examples=(("vaerun sync outputs", ""),),
    takes="DIR",
)

_ALL = (
    TRAIN, RESUME, EVALUATE, COMPARE, ENCODE, SAMPLE, TRAVERSE, LIST, FETCH, SYNC, *MANUAL_OF_RUNS,
)  # fmt: skip

MANUAL: dict[str, Command] = {command.name: command for command in _ALL}
"""Every command by its name; training has none."""
