"""The pages of ``--help``: the overview, and one for each command."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from runner import __version__
from runner.commands.arguments import Command, Option

_WIDTH = 80
_COLUMN = 28
"""Where explanations begin; what is longer has its explanation below."""

OVERVIEW = f"""\
vaerun {__version__} - train, compare and evaluate disentangled autoencoders

usage
  vaerun [KEY=VALUE ...]                  train one run and evaluate it
  vaerun -m KEY=A,B ...                   train every combination
  vaerun sweep=NAME [only=3,7-9]          train the runs of a sweep file
  vaerun COMMAND [ARGUMENT ...]           one of the commands below

commands  (vaerun COMMAND --help explains one)
  resume DIR                  go on exactly where a run or a grid stopped
  evaluate DIR ...            score runs again, or codes of another program
  compare DIR ...             runs side by side: table, CSV, figures, page
  show RUN                    a run or a grid: state, settings, figures, files
  diff RUN RUN ...            in what runs differ, and their results
  encode RUN IMAGES -o FILE   the codes of images, or of the run's own data
  sample RUN -o DIR           images of codes that are drawn from the prior
  traverse RUN -o FILE        what each variable does to an image
  export RUN                  encoder and decoder as ONNX and torch.export
  list [NAME ...]             what can be chosen; what each setting means
  list runs [DIR ...]         the runs that there are; sorted, filtered
  delete DIR ...              delete runs and grids, after a question
  fetch [DATASET ...]         download datasets
  sync DIR ...                upload runs that were logged offline to W&B

settings  (vaerun list NAME explains a group, a section or one of them)
  choices    dataset= architecture= prior= likelihood= objective= metrics=
             experiment= debug=
  weights    alpha= beta= gamma=          what they weigh: vaerun list objective
  training   seed= steps= epochs= batch_size= learning_rate= device= precision=
  places     data_dir= out= name= wandb.mode=
  grids      sweep= only= launcher=       launcher: local, packed, slurm or ray

"""

_EXAMPLES = """\

examples
  vaerun objective=hfvae beta=12 gamma=4
  vaerun dataset=mnist prior=concrete_normal objective=beta_vae beta=4 epochs=20
  vaerun -m objective=beta_vae beta=1,4,12 seed=0,1,2
  vaerun sweep=mnist_grid --dry-run

A run leaves a folder in outputs/, whose path is all that is printed on stdout.
"""


def overview(train: Command) -> str:
    """Return the page of ``vaerun --help``, with the options of training."""
    shown = (*train.options, Option("--version", "print the version"))
    return OVERVIEW + "\n".join(_section("options", _option_rows(shown))) + "\n" + _EXAMPLES


def page(command: Command) -> str:
    """Return the page of ``vaerun COMMAND --help``."""
    usage = [f"{'usage: ' if not place else '       '}{u}" for place, u in enumerate(command.usage)]
    lines = [*usage, "", *textwrap.wrap(command.summary, _WIDTH)]
    options = (*command.options, Option("--help", "show this page", short=("-h",)))
    lines += ["", *_section("options", _option_rows(options))]
    if command.settings:
        lines += ["", *_section("settings", command.settings)]
    if command.examples:
        width = max((len(line) for line, m in command.examples if m), default=0)
        shown = (f"  {line:{width}}   {f'# {m}' if m else ''}" for line, m in command.examples)
        lines += ["", "examples", *(line.rstrip() for line in shown)]
    return "\n".join(lines) + "\n"


def _option_rows(options: Sequence[Option]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for option in options:
        if not option.refused:
            names = ", ".join([*option.short, option.name])
            rows.append((names + (f" {option.value}" if option.value else ""), option.help))
    return rows


def _section(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield title
    for name, meaning in rows:
        first = f"  {name}".ljust(_COLUMN)
        text = textwrap.wrap(meaning, _WIDTH - _COLUMN) or [""]
        if len(first) > _COLUMN or first[-1] != " ":
            yield first.rstrip()
            first = " " * _COLUMN
        yield (first + text[0]).rstrip()
        yield from (" " * _COLUMN + line for line in text[1:])
