"""``python -m runner.grid.fork_server``: a process that imports everything, then forks workers.

:mod:`runner.grid.forking` starts it, and says what passes between the two. It trains nothing and
has no threads: what it has imported and loaded is what each worker begins with. It ends when its
parent does; workers then finish the runs that they train.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import sys
from types import FrameType
from typing import Any, NoReturn

from runner.grid.preloading import preload
from runner.grid.processes import THREADS
from runner.grid.worker import carry_out


def main() -> NoReturn:
    """Read a job from stdin, and serve the socket that the first argument is the descriptor of."""
    server = socket.socket(fileno=int(sys.argv[1]))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # of which workers lose none so
    if "SUBMITIT_EXECUTOR" in os.environ:  # sends its signals to every process of a job
        for number in (signal.SIGTERM, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
    job = json.loads(sys.stdin.read())
    try:
        device = preload(job)
    except Exception:  # workers from scratch say what it is
        _leave(1)
    forks = device == "cpu" and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    _send(server, {"device": device, "forks": forks})
    request = _serve(server)
    if request is None:
        _leave(0)
    asked, events = request
    _become(asked["threads"], events)
    _leave(carry_out({**job, **asked["changes"]}))


def _serve(server: socket.socket) -> tuple[dict[str, Any], int] | None:
    """Fork workers until the parent closes the socket; then return None.

    In a worker, return what was asked for, and the descriptor for its events.
    """
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, _noted)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if woken in ready:
                os.read(woken, 2**16)
                _report_ends(server)
            if server in ready:
                message, descriptors, _, _ = socket.recv_fds(server, 2**16, 1)
                if not message:
                    return None
                if (pid := os.fork()) == 0:
                    break
                os.close(descriptors[0])
                _send(server, {"pid": pid})
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in (woken, waker):
        os.close(descriptor)
    server.close()
    return json.loads(message), descriptors[0]


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: Python has written into the pipe that the server waits for."""


def _report_ends(server: socket.socket) -> None:
    """Say of each worker that has ended with which code; negative: by which signal."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # no worker is left
            return
        if pid == 0:
            return
        _send(server, {"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _send(server: socket.socket, message: dict[str, Any]) -> None:
    try:
        server.send(json.dumps(message).encode())
    except OSError:  # the parent has ended, as the next message will say
        return


def _become(threads: int, events: int) -> None:
    """Turn a forked process into a worker: its session, its standard output, its threads."""
    import numpy as np
    import threadpoolctl
    import torch

    os.setsid()  # a Ctrl-C reaches the parent only, which forwards it once
    os.dup2(events, 1)
    os.close(events)
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)
    np.random.seed()  # noqa: NPY002 - workers would draw the same, if a library draws from it


def _leave(code: int) -> NoReturn:
    """Exit as the interpreter does, but without freeing libraries, which takes seconds."""
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - no public name
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
