"""Take the picture of a page that README.md shows.

``python docs/screenshot.py`` writes docs/page.png; it needs playwright and a Chromium.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from backprop_cli import page

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def main() -> None:
    """Open the page of a sample in the midst of its backward pass, and take its picture."""
    text = page((ROOT / "sample_inputs" / "tanh_neuron.bp").read_text("utf-8"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1240, "height": 1020}, color_scheme="light")
        tab.set_content(text)
        for key in ("b", *["ArrowRight"] * 6):
            tab.keyboard.press(key)
        tab.mouse.move(0, 0)
        tab.wait_for_timeout(500)
        tab.screenshot(path=ROOT / "docs" / "page.png")
        browser.close()


if __name__ == "__main__":
    main()
