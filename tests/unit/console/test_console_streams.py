"""Standard streams that nobody reads do not stop a command."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from runner.console.streams import Unfailing

PROGRAM = """
import os, subprocess, sys
from runner.console.streams import lost_output, make_unfailing
from rich.console import Console
make_unfailing()
for _ in range(3):
    Console(stderr=True).print("a line")
    sys.stderr.write("another\\n")
    sys.stdout.write("a result\\n")
    sys.stdout.flush()
subprocess.run(["sh", "-c", "(echo 1) 2>/dev/null; true"])
with open(sys.argv[1], "w") as file:
    file.write(f"{file.fileno()} {lost_output()}")
"""


@pytest.fixture
def pipe() -> Iterator[int]:
    """The end to write to of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.mark.parametrize(
    ("redirections", "lost"),
    [
        ("", "None"),
        ("2>&-", "None"),
        (">&-", "None"),
        ("<&- >&- 2>&-", "None"),
        ("2>/dev/full", "None"),
        (">/dev/full", os.strerror(errno.ENOSPC)),
    ],
)
def test_a_program_goes_on_whatever_its_streams_are(tmp_path, redirections: str, lost: str):
    out = tmp_path / "out"
    script = f'exec "$0" -c "$1" "$2" {redirections}'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, PROGRAM, str(out)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"Error" not in done.stderr
    number, why = out.read_text().split(" ", 1)
    assert int(number) > 2  # no file took the place of a stream
    assert lost in why
    if not redirections:
        assert done.stdout == b"a result\n" * 3 + b"1\n"
        assert done.stderr == b"a line\nanother\n" * 3


@pytest.mark.parametrize("streams", ["2>&1", "", "2>&1 >/dev/null"])
def test_a_program_goes_on_when_its_reader_leaves(tmp_path, streams: str):
    out = tmp_path / "out"
    script = f'("$0" -c "$1" "$2" {streams}; echo $? > "$2.code") | true'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, PROGRAM, str(out)], capture_output=True, check=False
    )
    assert b"Error" not in done.stderr
    assert (tmp_path / "out.code").read_text() == "0\n"
    assert out.read_text().endswith("None")


def test_once_nobody_reads_the_descriptor_leads_nowhere(pipe: int):
    stream = Unfailing(pipe)
    assert stream.write(b"abc") == 3
    assert stream.lost is None
    assert os.write(pipe, b"from elsewhere") == 14


def test_what_does_not_fit_on_a_disk_is_remembered():
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123 - a device
        stream = Unfailing(full.fileno())
        text = io.TextIOWrapper(io.BufferedWriter(stream), line_buffering=True)
        text.write("a line\n")
        text.flush()
    assert stream.lost is not None
    assert stream.lost.errno == errno.ENOSPC


def test_a_full_pipe_that_does_not_wait_is_waited_for():
    read, write = os.pipe()
    os.set_blocking(write, False)
    content = b"x" * 100_000
    with subprocess.Popen(["cat"], stdin=read, stdout=subprocess.PIPE) as reader:
        os.close(read)
        stream = io.BufferedWriter(Unfailing(write))
        stream.write(content)
        stream.flush()
        os.close(write)
        assert reader.stdout is not None
        assert reader.stdout.read() == content
