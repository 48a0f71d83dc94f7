"""The measurements as tables in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Measured = Mapping[str, Any]
_OURS = ("eager", "against", "as chosen", "compiled")
_OTHERS = ("plain", "pythae", "disent")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ratio(above: Sequence[float], below: Sequence[float]) -> str:
    """Return the median of the ratios of each round, and the smallest and the largest."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def of_steps(results: Sequence[Measured]) -> str:
    """Return tables of training steps, for each number of threads: speeds, ratios and memory."""
    parts: list[str] = []
    for threads in sorted({each["threads"] for each in results}):
        rows = [each for each in results if each["threads"] == threads]
        where = f"{threads} thread{'s' if threads > 1 else ''}"
        for clock, unit in (("cpu", "CPU second"), ("wall", "second")):
            parts += [f"### Images per {unit}, {where}", _speeds(rows, clock)]
            for name in _present(rows, _OURS):
                parts += [
                    f"### vaerun, {name}, ÷ each, {where}, by {unit}s",
                    _ratios(rows, name, clock),
                ]
        parts += [f"### Resident memory at the peak, MiB, {where}", _memory(rows)]
    return "\n\n".join([*parts, *_notes(results), *_missing(results)])


def _present(rows: Sequence[Measured], names: Sequence[str]) -> list[str]:
    return [name for name in names if any(_turns(row, name) for row in rows)]


def _turns(row: Measured, name: str) -> list[Measured]:
    return row["measured"].get(name, {}).get("turns", [])


def _rates(row: Measured, name: str, clock: str) -> list[float]:
    batch = row["case"]["batch"]
    return [batch * turn["steps"] / turn[clock] for turn in _turns(row, name)]


def _speeds(rows: Sequence[Measured], clock: str) -> str:
    def cell(row: Measured, name: str) -> str:
        return f"{statistics.median(_rates(row, name, clock)):,.0f}"

    return _of_cases(rows, _present(rows, _OURS + _OTHERS), cell)


def _ratios(rows: Sequence[Measured], ours: str, clock: str) -> str:
    def cell(row: Measured, name: str) -> str:
        if not _turns(row, ours):
            return ""
        return ratio(_rates(row, ours, clock), _rates(row, name, clock))

    others = [name for name in _present(rows, ("eager", "against", *_OTHERS)) if name != ours]
    return _of_cases(rows, others, cell)


def _memory(rows: Sequence[Measured]) -> str:
    def cell(row: Measured, name: str) -> str:
        return f"{max(turn['peak_mib'] for turn in _turns(row, name)):,.0f}"

    return _of_cases(rows, _present(rows, _OURS + _OTHERS), cell)


def _of_cases(
    rows: Sequence[Measured], names: Sequence[str], cell: Callable[[Measured, str], str]
) -> str:
    lines = [
        [row["name"], *(cell(row, name) if _turns(row, name) else "" for name in names)]
        for row in rows
    ]
    return table(["case", *names], lines)


def _notes(results: Sequence[Measured]) -> list[str]:
    lines = [
        f"- {row['name']}, {row['threads']} threads, {name}: {each['first']['note']}"
        for row in results
        for name, each in row["measured"].items()
        if each.get("first", {}).get("note")
    ]
    return ["What the program chose:\n" + "\n".join(lines)] if lines else []


def _missing(results: Sequence[Measured]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for row in results:
        for name, each in row["measured"].items():
            if "refused" in each:
                reasons.setdefault(f"{name}: {each['refused']}", []).append(row["name"])
    lines = [f"- {reason} ({', '.join(dict.fromkeys(rows))})" for reason, rows in reasons.items()]
    return ["Not measured:\n" + "\n".join(lines)] if lines else []


def of_commands(found: Mapping[str, Mapping[str, Sequence[Measured]]], what: str) -> str:
    """Return a table of whole commands: ``found`` has what each candidate used, by row."""
    rows = [
        [label, name, *_used(used), *_against(used, row["pythae"])]
        for label, row in found.items()
        for name, used in row.items()
    ]
    head = [what, "", "CPU s", "wall s", "peak MiB", "pythae ÷ it, CPU", "pythae ÷ it, wall"]
    return table(head, rows)


def _used(used: Sequence[Measured]) -> list[str]:
    keys = ("cpu", "wall", "peak_mib")
    return [f"{statistics.median(each[key] for each in used):,.1f}" for key in keys[:2]] + [
        f"{max(each['peak_mib'] for each in used):,.0f}"
    ]


def _against(used: Sequence[Measured], peer: Sequence[Measured]) -> list[str]:
    return [
        ratio([each[key] for each in peer], [each[key] for each in used]) for key in ("cpu", "wall")
    ]
