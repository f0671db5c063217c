"""
Take README's pictures of the node page, light and dark, from a running demo.

make picture      # starts a demo, needs Debian's chromium

The demo's story is the same each time, and so is the moment: a minute after its start nobody comes or goes.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent
WIDTH, HEIGHT = 1400, 1400
READY_SECONDS = 60


def main() -> None:
    """Start a demo, wait until it shows an allocation, and take both pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is missing; Debian has it in the package chromium")
    command = [sys.executable, "-m", "podres_exporter", "demo", "--web.listen-address=127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:  # noqa: S603 - our own program
        try:
            url = _url(demo)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                for scheme in ("light", "dark"):
                    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
                    page.goto(url)
                    page.get_by_text("train-llm-0").first.wait_for(timeout=READY_SECONDS * 1000)
                    page.get_by_text("Not known:").wait_for(state="detached", timeout=READY_SECONDS * 1000)
                    page.screenshot(path=FOLDER / f"node-{scheme}.png")
                browser.close()
        finally:
            demo.terminate()


def _url(demo: "subprocess.Popen[str]") -> str:
    """Return the URL that the demo announces."""
    for line in demo.stdout or ():
        if found := re.search(r"http://127\.0\.0\.1:[0-9]+/", line):
            return found[0]
    raise SystemExit("the demo has ended before it said where it is")


if __name__ == "__main__":
    main()
