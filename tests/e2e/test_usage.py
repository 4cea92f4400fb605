#!/usr/bin/env python3
"""Wrong command lines of a first hour: each gets one sentence that says what to do, and its exit code. argv[1]: the program."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
TINY = pathlib.Path(__file__).resolve().parents[1] / "golden/tiny/tiny-q8_0.gguf"

# Words of the command line, exit code, what the sentence has to say. {port} is in use, {tiny} is a checkpoint.
CASES = [
    ("", 2, ["tessera examples", "tessera --help"]),
    ("rn x", 2, ["`rn`", "did you mean `run`?"]),
    ("--verzion", 2, ["`--verzion`", "did you mean `--version`?"]),
    ("data", 2, ["query, profile", "tessera data --help"]),
    ("data profil a.csv", 2, ["`profil`", "did you mean `profile`?"]),
    ("run", 2, ["request is missing", "tessera run --help"]),
    ("run sum of a", 2, ["`of`", "quotes"]),
    ("run x", 5, ["tessera model get gemma-3-270m"]),
    ("run --workspac . x", 2, ["`--workspac`", "did you mean `--workspace`?"]),
    ("run --workspace nowhere x", 2, ["nowhere", "no such folder"]),
    ("run --max-turns many x", 2, ["--max-turns", "many"]),
    ("run --adapter nowhere.gguf --model {tiny} x", 2, ["nowhere.gguf", "adapter"]),
    ("run --model nowhere.gguf x", 2, ["nowhere.gguf", "gemma-3-270m"]),
    ("run --endpoint http://127.0.0.1:1 x", 5, ["127.0.0.1:1"]),
    ("data profile nowhere.csv", 2, ["nowhere.csv", "a.csv"]),
    ("data profile folder", 2, ["folder"]),
    ("data query", 2, ["sql is missing", "FROM 'file'"]),
    ("data query --format xml x", 2, ["--format", "csv"]),
    ("chart nowhere.json --out a.png", 2, ["nowhere.json"]),
    ("chart folder --out a.png", 2, ["folder"]),
    ("chart a.csv --out a.png", 2, ["a.csv is a table", "Vega-Lite"]),
    ("report nowhere.md --out a.html", 2, ["nowhere.md"]),
    ("sandbox lua nowhere.lua", 2, ["nowhere.lua"]),
    ("sandbox lua folder", 2, ["folder"]),
    ("serve --model {tiny} --port {port}", 2, ["{port}"]),
    ("model get gemma-9", 2, ["gemma-9", "gemma-3-270m"]),
    ("policy show nothing", 2, ["nothing", "default"]),
    ("undo", 2, ["no run"]),
    ("sessions show nothing", 2, ["nothing", "tessera sessions"]),
    ("examples wether", 2, ["wether", "tessera examples"]),
    ("completion csh", 2, ["csh", "bash"]),
]


class Usage(unittest.TestCase):
    def test_each_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as name, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            home, work = pathlib.Path(name, "home"), pathlib.Path(name, "work")
            for folder in (home, work, work / "folder"):
                folder.mkdir()
            (work / "a.csv").write_text("a,b\n1,2\n")
            environment = dict(os.environ, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
            for line, code, words in CASES:
                with self.subTest(line):
                    args = line.format(tiny=TINY, port=port).split()
                    done = subprocess.run([PROGRAM, *args], cwd=work, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
                    # Progress is not a complaint.
                    said = [s for s in done.stderr.splitlines() if not s.endswith(" ...") and not s.startswith("note: ")]
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertEqual(len(said), 1, said)
                    self.assertTrue(said[0].startswith("tessera: "), said[0])
                    for word in words:
                        self.assertIn(word.format(port=port), said[0])

    def test_the_doctor_says_what_to_do(self):
        def doctor(**environment):
            done = subprocess.run([PROGRAM, "doctor", "--json"], capture_output=True, text=True, timeout=120, env=dict(os.environ, **environment))
            return done.returncode, json.loads(done.stdout)

        code, well = doctor()
        if code != 0:
            self.skipTest(f"no sandbox on this machine: {well['next']}")
        self.assertTrue(well["ready"])
        self.assertTrue(all(c["there"] for c in well["checks"] if c["required"]))
        code, found = doctor(XDG_CACHE_HOME="/nonexistent")
        self.assertEqual(code, 0, "a model server does without weights")
        self.assertIn("tessera model get gemma-3-270m", " ".join(found["next"]))
        code, found = doctor(TESSERA_LAUNCHER="/nonexistent")
        self.assertEqual((code, found["ready"]), (6, False))
        self.assertIn("tessera-launcher", found["next"][0])
        self.assertNotIn("user namespace", " ".join(found["next"]), "what follows from it is not another thing to mend")
        code, found = doctor(TESSERA_DUCKDB="/nonexistent", TESSERA_VEGA="/nonexistent")
        self.assertFalse(next(c for c in found["checks"] if c["name"] == "charts as HTML")["there"])

    def test_the_version_is_said(self):
        done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^tessera \d+\.\d+\.\d+\n$")


unittest.main(verbosity=1)
