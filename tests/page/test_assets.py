#!/usr/bin/env python3
"""The page's built files, which the program embeds, are what its sources build; and they are small."""
import filecmp
import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "server" / "page"


def files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


dist = PAGE / "dist"
compressed = sum(len(gzip.compress((dist / path).read_bytes(), mtime=0)) for path in files(dist))
assert 1000 < compressed <= 400 * 1024, compressed
if not shutil.which("node") or not (PAGE / "node_modules" / "vite").exists():
    print("skipped: Node or Vite is not here (setup/fetch-page)")
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    for command in (["tsc", "--noEmit"], ["vite", "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"]):
        done = subprocess.run([PAGE / "node_modules" / ".bin" / command[0], *command[1:]], cwd=PAGE, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    built = files(Path(folder))
    assert built == files(dist), (built, files(dist))
    different = [str(path) for path in built if not filecmp.cmp(Path(folder) / path, dist / path, shallow=False)]
    assert not different, f"{different}: not what the sources build; run `npm run build` in server/page and commit dist/"
print(f"{len(built)} files, {compressed} bytes compressed")
