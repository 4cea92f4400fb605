#!/usr/bin/env python3
"""A chart as one HTML page: what is in it, what its own scripts make of its data, and a browser if there is one."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TESSERA = str(Path(sys.argv[1]).resolve())
SPEC = {"mark": "bar", "data": {"url": "shops.csv"}, "title": "</script> & <b>",
        "encoding": {"x": {"field": "shop", "type": "nominal"},
                     "y": {"field": "sales", "type": "quantitative", "title": "sales of all"}}}

NODE = r"""
const fs = require('fs'), vm = require('vm');
const page = fs.readFileSync(process.argv[2], 'utf8');
const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(m => m[1]);
const spec = JSON.parse(page.match(/<script id="spec" type="application\/json">([\s\S]*?)<\/script>/)[1]);
const world = vm.createContext({console, setTimeout, clearTimeout, structuredClone});
world.globalThis = world.self = world.window = world;
for (const script of scripts.slice(0, 2)) vm.runInContext(script, world);
world.spec = JSON.stringify(spec);
vm.runInContext(`view = new vega.View(vega.parse(vegaLite.compile(JSON.parse(spec)).spec), {renderer: 'none'});
  result = view.toSVG()`, world).then(svg => process.stdout.write(svg), e => { console.error(e); process.exit(1); });
"""


def tessera(folder, *words, **env):
    return subprocess.run([TESSERA, "chart", "spec.json", *words], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, **env})


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "spec.json").write_text(json.dumps(SPEC))
        (folder / "shops.csv").write_text("shop,sales\nBern,12\nChur,9\nThun,30\n")
        checked = tessera(folder, "--check")
        assert (checked.returncode, checked.stdout) == (0, "no findings\n"), checked
        checked = tessera(folder, "--check", "--json")
        assert json.loads(checked.stdout) == {"findings": []}, checked
        assert tessera(folder).returncode == 2, "neither --out nor --check"
        missing = tessera(folder, "--out", "page.html", TESSERA_VEGA=str(folder))
        assert missing.returncode != 0 and "setup/fetch-vega" in missing.stderr, missing
        assert not (folder / "page.html").exists()
        done = tessera(folder, "--out", "page.html")
        if done.returncode != 0 and "setup/fetch-vega" in done.stderr:
            print("skipped: the scripts of Vega are not here (setup/fetch-vega)")
            sys.exit(77)
        assert done.returncode == 0, done.stderr
        page = (folder / "page.html").read_text()
        assert "Content-Security-Policy\" content=\"default-src 'none'" in page
        tags = re.sub(r"(<script[^>]*>)[\s\S]*?</script>", r"\1</script>", page)
        assert not re.search(r"(src|href)=", tags), "the page names another file"
        data = page.split('type="application/json">')[1].split("</script>")[0]
        spec = json.loads(data)
        assert "<" not in data and spec["title"] == SPEC["title"]
        assert spec["data"] == {"values": "shop,sales\nBern,12\nChur,9\nThun,30\n", "format": {"type": "csv"}}, spec
        node = shutil.which("node")
        if node:
            (folder / "run.js").write_text(NODE)
            drawn = subprocess.run([node, "run.js", "page.html"], cwd=folder, capture_output=True, text=True)
            assert drawn.returncode == 0, drawn.stderr[-2000:]
            for text in ("Thun", "sales of all"):
                assert f">{text}</text>" in drawn.stdout, drawn.stdout[:2000]
            assert drawn.stdout.count('aria-roledescription="bar"') == 3
        else:
            print("without node: what the page's scripts draw is not looked at")
        browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if browser:
            dom = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
                                  "--dump-dom", f"file://{folder}/page.html"], capture_output=True, text=True, timeout=120)
            assert "<canvas" in dom.stdout or "<svg" in dom.stdout, dom.stdout[-2000:]
        else:
            print("without a browser: the page was not opened in one")


main()
