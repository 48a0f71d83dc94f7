"""A child process, ``child.py MODULE CASE THREADS COMPILE``: trains a case until told to stop."""

from __future__ import annotations

import importlib
import json
import sys

from cases import Case
from gate import Gate


def main() -> None:
    module, text, threads, compiled = sys.argv[1:]
    case = Case(**json.loads(text))
    gate = Gate(case.device)
    import torch

    if int(threads):  # 0: as many as PyTorch takes
        torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    importlib.import_module(module).run(case, gate, compiled)


if __name__ == "__main__":
    main()
