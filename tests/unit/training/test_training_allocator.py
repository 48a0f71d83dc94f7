"""Memory that a step frees is kept for the next one."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from runner.training import allocator

_FAULTS = """
import resource, runpy, sys
import numpy as np
kept = sys.argv[1] == "kept" and runpy.run_path(sys.argv[2])["keep_freed_memory"]()
for turn in range(60):
    if turn == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x = np.ones(10 * 1024 * 1024, np.float32)  # 40 MB
    del x
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is a setting of glibc")
def test_page_faults_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)

    def faults(kept: str) -> tuple[str, int]:
        command = [sys.executable, "-c", _FAULTS, kept, allocator.__file__]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return shown[0], int(shown[1])

    _, before = faults("not")
    applied, after = faults("kept")
    assert applied == "True"
    assert after < before / 20


def test_settings_of_the_environment_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert not allocator.keep_freed_memory()
