"""What the name of a run calls the images that it is trained on."""

from __future__ import annotations

import re
from pathlib import PurePath

from omegaconf import DictConfig, OmegaConf

_LONGEST = 60
"""Characters of a path's last part; a run's name has others."""

_FILES = (".npz", ".h5", ".hdf5")


def images_name(*, _root_: DictConfig) -> str:
    """Return the dataset's name, or of the user's own images the last part of their path.

    In it only letters, digits, dots, hyphens and underscores are left, so that it can be a part of
    a folder's name anywhere.
    """
    name = str(OmegaConf.select(_root_, "dataset.name"))
    path = OmegaConf.select(_root_, "dataset.path", default=None)
    if not isinstance(path, str):
        return name
    last = PurePath(path).name
    for suffix in _FILES:
        last = last.removesuffix(suffix)
    safe = re.sub(r"[^\w.-]+", "_", last)[:_LONGEST].strip("._-")
    return safe or name
