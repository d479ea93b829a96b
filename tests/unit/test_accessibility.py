"""The report in a browser: axe-core finds no violation, on a wide screen and on a phone."""

import html
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_reporting import page_of, real

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--virtual-time-budget=30000", "--dump-dom")  # fmt: skip
MARK = '<pre id="axe">'


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not found:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    return found


def checked(page: str, browser: str, folder: Path, width: int) -> dict[str, Any]:
    """What axe-core says of a page at a width."""
    package = importlib.util.find_spec("axe_core_python")
    assert package is not None
    assert package.submodule_search_locations is not None
    axe = (Path(package.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8")
    run = (
        "axe.run().then(found => { const told = document.createElement('pre'); told.id = 'axe';"
        "told.textContent = JSON.stringify({passes: found.passes.length, violations: found.violations.map(each =>"
        "[each.id, each.nodes.map(node => node.html.slice(0, 200))])}); document.body.append(told); })"
    )
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"<script>{axe}</script><script>{run}</script></body>"), "utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900", file.as_uri()]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert MARK in told, "axe did not finish"
    found: dict[str, Any] = json.loads(html.unescape(told.rpartition(MARK)[2].partition("</pre>")[0]))
    return found


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_is_accessible(width: int, browser: str, tmp_path: Path) -> None:
    found = checked(page_of(real()), browser, tmp_path, width)
    assert found["violations"] == []
    assert found["passes"] > 20


def test_the_check_sees_what_is_wrong(browser: str, tmp_path: Path) -> None:
    page = page_of(real()).replace("<main", '<img src="data:,"><main', 1)
    assert "image-alt" in {name for name, _ in checked(page, browser, tmp_path, 1280)["violations"]}
