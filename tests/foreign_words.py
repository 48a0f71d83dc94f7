"""Words of the libraries beneath that no message to a user may have."""

from __future__ import annotations

import re

from runner.errors import VaerunError

_FOREIGN = re.compile(
    r"omegaconf|hydra(?!\.(run|sweep)\b)|antlr|lexer|traceback|full_key|object_type|reference_type"
    r"|interpolation|<class|union\b|optional\[|nonetype|listconfig|dictconfig|[a-z]+config\b(?!\.)"
    r"|[a-z]+(error|exception)\b|\bstr\b|\bint\b|\bfloat\b|\bdict\b|dataclass|viable|<eof>"
    r"|\bnone\b|\btrue is\b",
    re.IGNORECASE,
)


def foreign_words(error: VaerunError, *given: str) -> list[str]:
    """Return the foreign words of an error's two lines, but for those that the user gave."""
    text = f"{error.message}\n{error.hint or ''}"
    for word in given:
        text = text.replace(word, "")
    return [match[0] for match in _FOREIGN.finditer(text)]
