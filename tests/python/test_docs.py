"""The guides' blocks run, and print what stands under them; so do the docstrings' examples."""

import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

import bpqp

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("python*.md"))]
NEEDS = {"python-jax": ["jax"], "python-dropins": ["cvxpy"]}
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def digits_left_out(text):
    """Residuals are rounding errors, and differ from processor to processor."""
    return re.sub(r"residual \d\.\de-\d\d", "residual #", text)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_the_blocks_of_a_guide_run_and_print_what_they_say(guide):
    for module in NEEDS.get(guide.stem, []):
        pytest.importorskip(module)
    blocks = BLOCK.findall(guide.read_text())
    assert blocks
    namespace = {}
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(guide), "exec"), namespace)
        if expected:
            assert digits_left_out(printed.getvalue()) == digits_left_out(expected), code


@pytest.mark.parametrize("module", ["bpqp._numpy", "bpqp.torch._convex", "bpqp.qpth", "bpqp.cvxpy._layer"])
def test_the_examples_of_docstrings_are_right(module):
    if module.startswith("bpqp.cvxpy"):
        pytest.importorskip("cvxpy")
    imported = importlib.import_module(module)
    result = doctest.testmod(imported, extraglobs={"torch": importlib.import_module("torch")})
    assert result.attempted > 0 and result.failed == 0


def test_the_guide_has_every_setting_and_every_field_of_a_report():
    with pytest.raises(TypeError) as error:
        bpqp.solve([[1.0]], [1.0], no_such_setting=1)
    settings = str(error.value).partition("there are: ")[2].split(", ")
    assert "eps_abs" in settings
    section = (ROOT / "docs/python.md").read_text().partition("## Settings and reports")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in section.splitlines() if "|" in line)))
    fields = {name for name in bpqp._report.REPORT.names if not name.endswith("_relative")}
    assert told - {"..._relative"} == set(settings) | fields
