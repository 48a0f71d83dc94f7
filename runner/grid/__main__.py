"""``python -m runner.grid``: a worker as a process of its own."""

from __future__ import annotations

from runner.grid.worker import main

raise SystemExit(main())
