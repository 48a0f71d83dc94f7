"""The pages that are made from the code when the site is built: run by mkdocs-gen-files."""

from __future__ import annotations

import sys
from pathlib import Path

import mkdocs_gen_files

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import api_pages  # noqa: E402 - found by the line above
import commands_page  # noqa: E402
import metrics_page  # noqa: E402
import root_pages  # noqa: E402
import run_folder_page  # noqa: E402
import settings_page  # noqa: E402

for makers in (api_pages, commands_page, metrics_page, root_pages, run_folder_page, settings_page):
    for path, text in makers.pages(ROOT).items():
        with mkdocs_gen_files.open(path, "w") as file:
            file.write(text)
