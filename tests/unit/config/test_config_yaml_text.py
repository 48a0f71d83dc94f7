"""What no settings have is refused before YAML is loaded, in one line with its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.config import RunConfig, restore, to_yaml
from runner.config.yaml_text import refuse_unusual
from runner.errors import UsageError

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"
DEEP = "".join(" " * level + "a:\n" for level in range(200))
CASES = [
    ("just words", " is not a mapping of settings"),
    ("- a\n- b\n", " is not a mapping of settings"),
    ("5", " is not a mapping of settings"),
    ("a: 1\nb: [}", " is not YAML: did not find expected node content, line 2"),
    ("\ta: 1", " is not YAML: found character that cannot start any token, line 1"),
    ("a: \x00", " is not YAML: "),
    ("a: 1\nb: " + "[" * 100_000, "nest"),
    ("a: " + "[" * 40 + "]" * 40, ", line 1: the settings are nested too deeply"),
    (DEEP, ", line 33: the settings are nested too deeply"),
    (BOMB, ", line 1: settings are written out, without anchors (&) and aliases (*)"),
    ("a: 1\nb: *a\n", ", line 2: settings are written out, without anchors"),
    ("a: &a\n  b: *a\n", ", line 1: settings are written out"),
    ("steps: 1\nseed: " + "1" * 5000, ", line 2: a number of 5,000 digits"),
    ("seed: -0x" + "f" * 100, ", line 1: a number of 103 digits"),
]


@pytest.mark.parametrize(("text", "message"), CASES, ids=lambda text: text[:20])
def test_what_no_settings_have_is_refused(text: str, message: str) -> None:
    for name, check in (
        ("'a/config.yaml'", lambda: refuse_unusual(text, "'a/config.yaml'")),
        ("config.yaml", lambda: restore(text, [])),
    ):
        with pytest.raises(UsageError) as refused:
            check()
        assert refused.value.message.startswith(name)
        assert message in refused.value.message
        assert len(refused.value.message.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.yaml is empty"),
        ("a: 1\n---\na: 2\n", "config.yaml is not YAML: "),
        ("a: 1\na: 2\n", "config.yaml is not YAML: found duplicate key a, line 2"),
        ("a: !!python/object/apply:os.getcwd []", "config.yaml is not YAML: could not determine"),
        ("[1]: 3\n", "config.yaml is not YAML: found unhashable key, line 1"),
    ],
)
def test_what_cannot_be_loaded_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        restore(text, [])
    assert refused.value.message.startswith(message)
    assert len(refused.value.message.splitlines()) == 1


def test_texts_may_be_long_and_look_like_anything_in_quotes() -> None:
    refuse_unusual(f"name: '{'1' * 5000}'\nother: {'word ' * 1000}\n'*a': '&b'\n", "it")


def test_the_settings_of_a_run_pass(composed: Callable[..., RunConfig]) -> None:
    for objective in ("hfvae", "factor_vae", "contractive_ae"):
        refuse_unusual(to_yaml(composed(f"objective={objective}")), "it")
