"""Every #include of a project header must be allowed by the table in ARCHITECTURE.md."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
table = {}
for line in (root / "ARCHITECTURE.md").read_text().splitlines():
    m = re.match(r"\| `(\w+)/` \|([^|]*)\|", line)
    if m:
        table[m[1]] = set(re.findall(r"`(\w+)/`", m[2])) | {m[1]}
assert len(table) >= 8, "the layer table was not found"
bad = []
seen = 0
for folder, allowed in table.items():
    for path in (root / folder).rglob("*"):
        if path.suffix not in {".h", ".cpp", ".in"}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'\s*#include "(\w+)/', line)
            if m and m[1] in table:
                seen += 1
                if m[1] not in allowed:
                    bad.append(f"{path.relative_to(root)}:{number}: {folder}/ may not include {m[1]}/")
            if folder == "model" and "model/training" not in str(path) and re.match(r'\s*#include "model/training/', line):
                bad.append(f"{path.relative_to(root)}:{number}: only model/training/ may include model/training/")
print("\n".join(bad) or f"{seen} includes follow the layers")
sys.exit(1 if bad or seen < 50 else 0)
