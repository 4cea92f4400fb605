#!/usr/bin/env python3
"""The file tools and reports from outside: in the sandbox, kept as a run, taken back by undo."""
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TESSERA = str(Path(sys.argv[1]).resolve())

PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj
4 0 obj<</Length 44>>stream
BT /F1 18 Tf 20 100 Td (Sum is 4711) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
"""


def state(folder):
    """Every path with its content, mode and time, .tessera aside."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.split("/")[0] == ".tessera":
            continue
        info = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        found[name] = (content, info.st_mode, info.st_mtime_ns)
    return found


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        folder.mkdir()
        (Path(name) / "secret.txt").write_text("outside\n")

        def tessera(*words, **more):
            return subprocess.run([TESSERA, *words], cwd=folder, capture_output=True, text=True, **more)

        for shop in ("Bern", "Chur"):
            (folder / f"{shop}.csv").write_text(f"shop,sum\n{shop},3\n")
        (folder / "IMG_1.JPG").write_bytes(b"\xff\xd8\xff")
        (folder / "IMG_2.JPG").write_bytes(b"\xff\xd8\xff\xe0")
        (folder / "out").symlink_to("..")
        plan = Path(name) / "plan.json"
        plan.write_text(json.dumps([
            {"op": "merge", "files": "*.csv", "to": "all.csv", "remove": True},
            {"op": "rename", "files": "*.JPG", "match": "IMG_*.JPG", "to": "photo-{1}.jpg"},
            {"op": "sort", "files": "*.{jpg,csv}", "into": "by", "by": "extension"}]))
        before = state(folder)

        shown = tessera("files", "plan", str(plan))
        assert shown.returncode == 0, shown
        assert state(folder) == before, "a preview changed something"
        done = tessera("files", "apply", "--json", str(plan))
        assert done.returncode == 0, done
        run = json.loads(done.stdout)["run"]
        assert (folder / "by/csv/all.csv").read_text() == "shop,sum\nBern,3\nChur,3\n"
        after = set(state(folder))
        assert after == {"by", "by/csv", "by/csv/all.csv", "by/jpg", "by/jpg/photo-1.jpg", "by/jpg/photo-2.jpg", "out"}, after
        undone = tessera("undo", run)
        assert undone.returncode == 0, undone
        assert state(folder) == before, "undo did not give everything back"

        # A plan that fails changes nothing, and neither does a trial.
        plan.write_text(json.dumps([{"op": "mkdir", "path": "x"}, {"op": "move", "files": "nobody.csv", "to": "x/"}]))
        failed = tessera("files", "apply", str(plan))
        assert failed.returncode == 2 and "nobody.csv" in failed.stderr, failed
        plan.write_text(json.dumps([{"op": "delete", "files": "*.csv"}]))
        assert tessera("files", "apply", "--dry", str(plan)).returncode == 0
        assert state(folder) == before

        # What only gets another name is neither read nor copied, so no limit on bytes counts it. Names trade places.
        with (folder / "film.bin").open("wb") as film:
            film.truncate(3 << 30)
        (folder / "1.txt").write_text("the longer one")
        (folder / "2.txt").write_text("short")
        (folder / "box/deep").mkdir(parents=True)
        (folder / "box/deep/file").write_text("deep")
        inodes = {path: (folder / path).stat().st_ino for path in ("film.bin", "1.txt", "2.txt", "box/deep/file")}
        times = {path: (folder / path).stat().st_mtime_ns for path in (".", "box", "box/deep")}
        plan.write_text(json.dumps([
            {"op": "rename", "files": "[12].txt", "match": "*.txt", "to": "{n}.txt", "order": "size"},
            {"op": "move", "files": "film.bin", "to": "films/2024/"},
            {"op": "move", "files": "box/deep", "to": "films/kept"},
            {"op": "delete", "files": "box/"}]))
        trial = tessera("files", "apply", "--dry", str(plan))
        assert trial.returncode == 0 and (folder / "film.bin").exists(), trial
        moved = tessera("files", "apply", "--json", str(plan))
        assert moved.returncode == 0, moved
        names = {"films/2024/film.bin": "film.bin", "2.txt": "1.txt", "1.txt": "2.txt", "films/kept/file": "box/deep/file"}
        for now, then in names.items():
            assert (folder / now).stat().st_ino == inodes[then], (now, "is another file than", then)
        assert not (folder / "box").exists() and (folder / "1.txt").read_text() == "short"
        listed = json.loads(tessera("changes", "--json").stdout)[-1]
        assert listed["bytes"] == 0, listed
        undone = tessera("undo")
        assert undone.returncode == 0, undone
        assert {path: (folder / path).stat().st_ino for path in inodes} == inodes
        assert {path: (folder / path).stat().st_mtime_ns for path in times} == times
        assert not (folder / "films").exists()
        for path in ("film.bin", "1.txt", "2.txt"):
            (folder / path).unlink()
        shutil.rmtree(folder / "box")

        # Nothing is read or written through a link, above the workspace, or where undo keeps its own.
        for path in ("out/secret.txt", "../secret.txt", str(Path(name) / "secret.txt"), ".tessera/journal"):
            for words in (("read", path), ("write", path)):
                tried = tessera("files", *words, input="mine\n")
                assert tried.returncode != 0 and "outside" not in tried.stdout, (words, tried)
        assert (Path(name) / "secret.txt").read_text() == "outside\n"
        assert {p: s[0] for p, s in state(folder).items()} == {p: s[0] for p, s in before.items()}

        written = tessera("files", "write", "notes.txt", input="a = 1\nb = 1\n")
        assert written.returncode == 0, written
        twice = tessera("files", "edit", "notes.txt", "--old", "= 1", "--new", "= 2")
        assert twice.returncode == 2 and "2" in twice.stderr, twice
        edited = tessera("files", "edit", "notes.txt", "--old", "a = 1", "--new", "a = 2")
        assert edited.returncode == 0 and "+a = 2" in edited.stdout, edited
        read = tessera("files", "read", "notes.txt", "--first", "1", "--last", "1")
        assert read.returncode == 0 and "a = 2" in read.stdout and "b = 1" not in read.stdout, read
        found = tessera("files", "find", "*.txt", "--contains", "b = 1", "--json")
        assert [f["path"] for f in json.loads(found.stdout)["files"]] == ["notes.txt"], found

        (folder / "report.md").write_text("# Sales\n\n| shop | sum |\n| --- | --: |\n| Bern | 3 |\n\n<script>bad()</script>\n")
        page = tessera("report", "report.md", "--out", "report.html")
        assert page.returncode == 0, page
        html = (folder / "report.html").read_text()
        assert "<table" in html and "<script>bad()" not in html and "Content-Security-Policy" in html

        if not shutil.which("pdftotext"):
            print("without pdftotext: the text of a PDF was not read")
            return
        (folder / "sum.pdf").write_bytes(PDF)
        text = tessera("files", "read", "sum.pdf")
        assert text.returncode == 0 and "Sum is 4711" in text.stdout, text


main()
