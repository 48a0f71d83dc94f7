"""Signatures, by which this user's own runs are told from those of others.

A folder may have come from anywhere: unpacked, copied, shared. Who owns its files says nothing
about who wrote them, so what this program writes for a user is signed with a secret of that user,
``vaerun/key`` in the folder for state (``$XDG_STATE_HOME`` or ``~/.local/state``). Machines that
share a home share the key; a folder that is copied to a machine with another key is a stranger's
there, as is one whose settings were edited.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from runner.errors import VaerunError
from runner.store.confined import read, write_atomically

_KEY_BYTES = 32
_SIGNATURE_BYTES = 2 * _KEY_BYTES

_MOST_BYTES = 2**28
"""Of a signed file; nothing that is signed comes near."""


def sign(file: Path, content: bytes) -> None:
    """Sign what is about to be written to a file; without a key, nothing is done.

    The signature is a hidden file beside it, written first: a crash between the two leaves a file
    that is taken for a stranger's, and never the other way round.
    """
    key = _key(_key_file())
    if key is not None:
        write_atomically(_signature(file), _digest(key, file, content).encode())


def is_own(file: Path, content: bytes | None = None) -> bool:
    """Return whether this user's programs signed the content of a file, or the one given."""
    key = _key(_key_file())
    if key is None:
        return False
    try:
        found = read(_signature(file), file.parent, _SIGNATURE_BYTES)
        signed = read(file, file.parent, _MOST_BYTES) if content is None else content
    except (OSError, VaerunError):  # nothing that this program has written
        return False
    if found is None or signed is None:
        return False
    return hmac.compare_digest(found, _digest(key, file, signed).encode())


def _signature(file: Path) -> Path:
    return file.with_name(f".{file.name}.signature")


def _digest(key: bytes, file: Path, content: bytes) -> str:
    return hmac.digest(key, file.name.encode() + b"\0" + content, hashlib.sha256).hex()


def _key_file() -> Path | None:
    from platformdirs import user_state_path

    try:
        return user_state_path("vaerun", appauthor=False) / "key"
    except (OSError, RuntimeError):  # a user without a home
        return None


@cache
def _key(file: Path | None) -> bytes | None:
    """Return the secret of this user, made at its first use; None where none can be kept."""
    if file is None:
        return None
    try:
        if not file.exists():
            _make_key(file)
        key = file.read_bytes()
    except OSError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _make_key(file: Path) -> None:
    """Write a new secret that this user alone can read, unless another process is faster."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(secrets.token_bytes(_KEY_BYTES))
        _put_in_place(new, file)
    finally:
        new.unlink(missing_ok=True)


def _put_in_place(new: Path, file: Path) -> None:
    """Rename a file, unless there is one of that name."""
    try:
        os.link(new, file)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        new.replace(file)
