#!/usr/bin/env python3
"""The page in Chromium, by page.mjs: test_page.py PAGE-SERVER TESSERA"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "server" / "page"


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


node = shutil.which("node") or skip("Node is not installed")
browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None) or skip(
    "there is no Chromium (setup/packages-tests.txt)")
if not (PAGE / "node_modules" / "playwright-core").exists():
    skip("Playwright is not here (setup/fetch-page)")
sys.exit(subprocess.run([node, str(HERE / "page.mjs"), *(str(Path(one).resolve()) for one in sys.argv[1:3]), browser],
                        env={**os.environ, "NODE_NO_WARNINGS": "1"}).returncode)
