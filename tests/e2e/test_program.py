"""The program from outside: exit codes, one clear sentence, nothing lost. argv[1]: the program."""
import hashlib
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1)
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
WEIGHTS = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tessera/models/gemma-3-270m-q4_k_m.gguf"


def call(*args, **more):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **more)


class Program(unittest.TestCase):
    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.folder = pathlib.Path(self._temporary.name)

    def complains(self, result, code, *words):
        self.assertEqual(result.returncode, code, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, "one sentence: " + result.stderr)

    def test_bad_usage(self):
        for args in [[], ["nonsense"], ["run"], ["generate", "--model", "x"], ["run", "--max-turns", "0", "x"]]:
            self.assertEqual(call(*args).returncode, 2, args)
        self.assertEqual(call("--help").returncode, 0)
        self.assertEqual(call("run", "--help").returncode, 0)

    def test_no_weights_says_how_to_get_them(self):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.folder / "empty"))
        (self.folder / "a.csv").write_text("a,b\n1,2\n")
        self.complains(call("run", "--workspace", self.folder, "sum of a", env=environment), 5, "tessera model get")

    def test_a_missing_workspace_an_empty_request_and_an_unknown_policy(self):
        self.complains(call("run", "--workspace", self.folder / "no", "sum of a"), 2, "no such folder")
        self.complains(call("run", "--workspace", self.folder, "  "), 2, "empty")
        self.complains(call("run", "--workspace", self.folder, "--policy", "nope", "sum"), 2, "default, strict")

    def test_hostile_checkpoints(self):
        good = (GOLDEN / "tiny/tiny-q8_0.gguf").read_bytes()
        cases = {"empty": b"", "text": b"hello there, this is no checkpoint", "cut": good[:-1000], "header": good[:200]}
        # A count of 2^60 tensors, then of 2^60 metadata entries.
        cases["tensors"] = good[:8] + (1 << 60).to_bytes(8, "little") + good[16:]
        cases["metadata"] = good[:16] + (1 << 60).to_bytes(8, "little") + good[24:]
        for name, content in cases.items():
            path = self.folder / (name + ".gguf")
            path.write_bytes(content)
            for args in [["model", "info", path], ["generate", "--model", path, "hi"]]:
                self.complains(call(*args), 2, name + ".gguf")
        self.complains(call("model", "info", self.folder / "no.gguf"), 2, "no.gguf")

    def test_a_corrupt_adapter(self):
        good = (GOLDEN / "tiny/lora-f32.gguf").read_bytes()
        bad = self.folder / "bad.gguf"
        bad.write_bytes(good[:-40])
        model = GOLDEN / "tiny/tiny-f32.gguf"
        self.complains(call("generate", "--model", model, "--adapter", bad, "hi"), 2, "bad.gguf")
        self.complains(call("generate", "--model", model, "--adapter", model, "hi"), 2, "not a LoRA adapter")

    def test_tokenize_logits_and_generate_on_the_tiny_checkpoint(self):
        model = GOLDEN / "tiny/tiny-f32.gguf"
        request = self.folder / "r.json"
        request.write_text('{"ids": [2, 7, 9]}')
        self.assertEqual(call("logits", "--model", model, "--request", request, "--out", self.folder / "o.npy").returncode, 0)
        npy = (self.folder / "o.npy").read_bytes()
        self.assertTrue(npy.startswith(b"\x93NUMPY"))
        self.assertIn(b"(3, 512)", npy[:128])
        request.write_text('{"ids": [2, 100000]}')
        self.complains(call("logits", "--model", model, "--request", request, "--out", self.folder / "p.npy"), 2, "100000")
        self.assertFalse((self.folder / "p.npy").exists())
        tokens = subprocess.run([PROGRAM, "tokenize", "--model", model], input=b"ab", capture_output=True)
        self.assertTrue(json.loads(tokens.stdout))
        a = call("generate", "--model", model, "--max-tokens", "8", "--json", "hi")
        self.assertEqual(a.returncode, 0, a.stderr)
        self.assertEqual(json.loads(a.stdout)["usage"]["completion_tokens"], len(json.loads(a.stdout)["tokens"]))

    def training(self, *more):
        """Arguments of a small training of text, pictures and sound; what is fresh or dropped hangs on the seed alone."""
        data = self.folder / "d.jsonl"
        if not data.exists():
            media = GOLDEN / "tiny/media"
            parts = [{"type": "image", "path": str(media / "D_1000x20_rgb.png")}, {"type": "text", "text": "ab"},
                     {"type": "audio", "path": str(media / "speech_3200.wav")}]
            asked = [f"ab {i}" for i in range(8)] + [parts]
            data.write_text("".join(json.dumps({"messages": [{"role": "user", "content": a}, {"role": "assistant", "content": f"ba {i}"}]}) + "\n"
                                    for i, a in enumerate(asked)))
        return ["train", "--model", GOLDEN / "tiny/tiny-f32.gguf", "--data", data, "--image-budget", "70", "--batch-tokens", "160",
                "--warmup", "1", *more]

    def killed_in_the_middle(self, arguments, state):
        """Starts a training and kills it without warning once it has saved a state."""
        process = subprocess.Popen([PROGRAM, *map(str, arguments)], stderr=subprocess.DEVNULL)
        deadline = time.time() + 120
        while not state.exists() and process.poll() is None and time.time() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        self.assertEqual(process.wait(), -signal.SIGKILL, "it was killed before its end")
        self.assertTrue(state.exists())

    def test_training_resumes_to_the_same_bytes(self):
        kinds = {"lora": ["--embedders", "new", "--lora-rank", "2", "--lora-dropout", "0.1"],
                 "full": ["--tune", "full", "--embedders", "new", "--mmproj-out", self.folder / "m.gguf"]}
        for kind, more in kinds.items():
            base = self.training(*more, "--steps", "40", "--eval", self.folder / "d.jsonl", "--eval-every", "10")
            whole, cut, state, log = (self.folder / f"{kind}.{n}" for n in ("whole.gguf", "cut.gguf", "state", "jsonl"))
            self.assertEqual(call(*base, "--out", whole).returncode, 0)
            embedders = (self.folder / "m.gguf").read_bytes() if kind == "full" else b""
            base += ["--checkpoint", state, "--checkpoint-every", "3", "--log", log, "--out", cut]
            self.killed_in_the_middle(base, state)
            result = call(*base)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(whole.read_bytes(), cut.read_bytes(), kind)
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            self.assertEqual([line["step"] for line in lines], list(range(1, 41)), "each step once")
            self.assertIn("held_out_loss", lines[9])
            if kind == "full":
                self.assertEqual(embedders, (self.folder / "m.gguf").read_bytes())
            for other in [["--learning-rate", "0.1"], ["--rslora"], ["--lora-alpha", "3"]][:3 if kind == "lora" else 1]:
                self.assertIn("other data or options", call(*base, *other).stderr, other)
        base[base.index("--model") + 1] = GOLDEN / "tiny/tiny-q8_0.gguf"  # the state of another base
        self.assertIn("other data or options", call(*base).stderr)

    def test_an_adapter_with_embedders_is_used_merged_and_exported(self):
        adapter, model = self.folder / "a.gguf", GOLDEN / "tiny/tiny-f32.gguf"
        base = self.training("--embedders", "new", "--lora-rank", "2", "--rslora", "--lora-projections", "attention,down", "--schedule", "linear",
                             "--accumulate", "2", "--recompute", "--steps", "3")
        self.assertEqual(call(*base, "--out", adapter).returncode, 0)
        picture, sound = GOLDEN / "tiny/media/D_1000x20_rgb.png", GOLDEN / "tiny/media/speech_3200.wav"
        ask = ["generate", "ab", "--precision", "f32", "--max-tokens", "8", "--json", "--image-budget", "70", "--image", picture, "--audio", sound]
        with_adapter = call(*ask, "--model", model, "--adapter", adapter)
        self.assertEqual(with_adapter.returncode, 0, with_adapter.stderr)
        self.complains(call("model", "merge", model, adapter, self.folder / "w.gguf"), 2, "--mmproj")
        self.assertEqual(call("model", "merge", model, adapter, self.folder / "w.gguf", "--mmproj", self.folder / "m.gguf").returncode, 0)
        # A file that is there is refused before the other is written.
        self.complains(call("model", "merge", model, adapter, self.folder / "v.gguf", "--mmproj", self.folder / "m.gguf"), 3, "m.gguf")
        self.assertFalse((self.folder / "v.gguf").exists())
        merged = call(*ask, "--model", self.folder / "w.gguf", "--mmproj", self.folder / "m.gguf")
        self.assertEqual(merged.returncode, 0, merged.stderr)
        self.assertEqual(json.loads(merged.stdout)["tokens"], json.loads(with_adapter.stdout)["tokens"])
        # Going on in the same file, on text alone: the embedders stay in it.
        def held(path):
            listed = json.loads(call("model", "info", path, "--json", "--tensors").stdout)["tensors"]
            return {t["name"]: t["shape"] for t in listed}
        text, copy = self.folder / "text.jsonl", self.folder / "copy.gguf"
        text.write_text('{"messages":[{"role":"user","content":"ab"},{"role":"assistant","content":"ba"}]}\n')
        copy.write_bytes(adapter.read_bytes())
        result = call("train", "--model", model, "--adapter", copy, "--data", text, "--steps", "1", "--out", copy)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(held(copy), held(adapter))
        # PEFT: the decoder's part as an adapter, the embedders beside it.
        peft = self.folder / "peft"
        result = call("model", "convert", adapter, peft)
        self.assertEqual(result.returncode, 0, result.stderr)
        config = json.loads((peft / "adapter_config.json").read_text())
        self.assertEqual((config["r"], config["target_modules"]), (2, ["down_proj", "k_proj", "o_proj", "q_proj", "v_proj"]))
        self.assertAlmostEqual(config["lora_alpha"] / 2, 4 / 2 ** 0.5, places=5)  # alpha, twice the rank, by the root of the rank
        exported = call(*ask, "--model", model, "--adapter", peft, "--mmproj", peft / "mmproj.gguf")
        self.assertEqual(exported.returncode, 0, exported.stderr)
        self.assertEqual(json.loads(exported.stdout)["tokens"], json.loads(with_adapter.stdout)["tokens"])

    def logits(self, model, *more):
        request = self.folder / "ids.json"
        request.write_text(json.dumps({"ids": [2, 7, 9, 31, 300, 12]}))
        result = call("logits", "--model", model, "--request", request, "--out", self.folder / "o.npy", "--precision", "f32", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        npy = (self.folder / "o.npy").read_bytes()
        start = 10 + struct.unpack("<H", npy[8:10])[0]
        return struct.unpack(f"<{(len(npy) - start) // 4}f", npy[start:])

    def test_a_merged_checkpoint_computes_what_its_adapter_did(self):
        def apart(a, b):
            return max(abs(x - y) for x, y in zip(a, b, strict=True))
        def number(path, key):
            data = path.read_bytes()
            at = data.find(key)
            return struct.unpack("<I", data[at + len(key) + 4:at + len(key) + 8])[0] if at >= 0 else None
        base, adapter, out = GOLDEN / "tiny/tiny-f32.gguf", GOLDEN / "tiny/lora-f32.gguf", self.folder / "w.gguf"
        plain, adapted = self.logits(base), self.logits(base, "--adapter", adapter)
        self.assertGreater(apart(plain, adapted), 1e-2)
        for more in ([], ["--type", "F32"]):
            result = call("model", "merge", base, adapter, out, "--force", *more)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertLess(apart(self.logits(out), adapted), 1e-4)
            self.assertEqual(number(out, b"general.file_type"), 0)
        # Rows of 64 values are no whole blocks of Q4_K: they get Q5_0.
        result = call("model", "merge", base, adapter, out, "--force", "--type", "Q4_K")
        self.assertEqual(result.returncode, 0, result.stderr)
        types = {t["name"]: t["type"].upper() for t in json.loads(call("model", "info", out, "--json", "--tensors").stdout)["tensors"]}
        self.assertEqual(types["blk.0.attn_q.weight"], "Q5_0")
        self.assertEqual(number(out, b"general.quantization_version"), 2)
        # As stored: the file goes on to say Q8_0.
        self.assertEqual(call("model", "merge", GOLDEN / "tiny/tiny-q8_0.gguf", adapter, out, "--force").returncode, 0)
        self.assertEqual(number(out, b"general.file_type"), 7)
        # Nothing that is read is written over, whatever --force says.
        own, mine = self.folder / "base.gguf", self.folder / "a.gguf"
        own.write_bytes(base.read_bytes())
        mine.write_bytes(adapter.read_bytes())
        for to, mmproj in [(own, None), (mine, None), (out, own), (out, mine), (out, out)]:
            result = call("model", "merge", own, mine, to, "--force", *(["--mmproj", mmproj] if mmproj else []))
            self.complains(result, 2, "one")
        self.assertEqual((own.read_bytes(), mine.read_bytes()), (base.read_bytes(), adapter.read_bytes()))

    def test_a_full_tuning_writes_a_checkpoint_and_a_curve(self):
        out, curve = self.folder / "t.gguf", self.folder / "loss.png"
        base = self.training("--tune", "full", "--embedders", "new", "--steps", "3", "--type", "F32", "--curve", curve, "--log", self.folder / "l.jsonl")
        self.complains(call(*base, "--out", out), 2, "--mmproj-out")
        result = call(*base, "--out", out, "--mmproj-out", self.folder / "m.gguf")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(curve.read_bytes().startswith(b"\x89PNG"), result.stderr)
        reply = call("generate", "ab", "--model", out, "--mmproj", self.folder / "m.gguf", "--image-budget", "70", "--max-tokens", "4",
                     "--image", GOLDEN / "tiny/media/D_1000x20_rgb.png")
        self.assertEqual(reply.returncode, 0, reply.stderr)

    def test_training_keeps_the_files_that_are_there(self):
        self.training()  # the data with media
        data, media, log = self.folder / "text.jsonl", self.folder / "d.jsonl", self.folder / "log.jsonl"
        data.write_text('{"messages":[{"role":"user","content":"ab"},{"role":"assistant","content":"ba"}]}\n')
        base = ["train", "--model", GOLDEN / "tiny/tiny-f32.gguf", "--data", data, "--steps", "2", "--lora-rank", "2"]
        out, state, curve = self.folder / "o.gguf", self.folder / "state", self.folder / "c.png"
        log.write_text('{"half')
        for times in (1, 2):  # a log is added to
            result = call(*base, "--out", out, "--log", log)
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = log.read_text().splitlines()
            self.assertEqual([json.loads(line)["step"] for line in lines[1:]], [1, 2] * times)
        self.assertEqual(lines[0], '{"half')
        # A state at its last step leaves the curve of its training, and the log, alone.
        for _ in range(2):
            result = call(*base, "--out", out, "--checkpoint", state, "--curve", curve)
            self.assertEqual(result.returncode, 0, result.stderr)
            drawn = json.loads((self.folder / "c.vl.json").read_text())["data"]["values"]
            self.assertEqual([v["step"] for v in drawn], [1, 2])
        # A line that is not ours does not stop a resumed training, nor one that has no loss.
        state.unlink()
        longer = ["40" if a == "2" and base[i - 1] == "--steps" else a for i, a in enumerate(base)]
        longer += ["--out", out, "--checkpoint", state, "--checkpoint-every", "3", "--log", log, "--curve", curve]
        before = log.read_text()
        self.killed_in_the_middle(longer, state)
        with open(log, "a") as file:
            file.write('{"step": 41}\n{"step": 1, "loss": "x"}\n{"step": 40, "lo')
        result = call(*longer)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(log.read_text().startswith(before), "the trainings before are kept")
        lines = [json.loads(line) for line in log.read_text()[len(before):].splitlines()]
        self.assertEqual([line["step"] for line in lines if isinstance(line.get("loss"), float)], list(range(1, 41)))
        drawn = json.loads((self.folder / "c.vl.json").read_text())["data"]["values"]
        self.assertEqual([v["step"] for v in drawn], list(range(1, 41)))
        # Refused before anything is done: one file under two names, folders that are not there, no files.
        good, examples = out.read_bytes(), data.read_bytes()
        (self.folder / "link").symlink_to(data)
        os.mkfifo(self.folder / "fifo")
        for bad, about in [(["--out", out, "--log", data], "--log"), (["--out", out, "--log", self.folder / "link"], "--data"),
                           (["--out", out, "--checkpoint", out], "--checkpoint"), (["--out", data], "--data"),
                           (["--out", self.folder / "no/o.gguf"], "no such folder"), (["--out", self.folder], "not a file"),
                           (["--out", out, "--checkpoint", self.folder / "no/state"], "no such folder"),
                           (["--out", self.folder / "fifo"], "not a file")]:
            self.complains(call(*base, *bad), 2, about)
        self.assertEqual((out.read_bytes(), data.read_bytes()), (good, examples))
        # Pictures that only the held-out examples have.
        result = call(*base, "--eval", media, "--embedders", "new", "--image-budget", "70", "--out", out)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_an_interrupted_training_writes_what_there_is(self):
        data, out, log = self.folder / "text.jsonl", self.folder / "o.gguf", self.folder / "log.jsonl"
        data.write_text('{"messages":[{"role":"user","content":"ab"},{"role":"assistant","content":"ba"}]}\n')
        process = subprocess.Popen([PROGRAM, "train", "--model", str(GOLDEN / "tiny/tiny-f32.gguf"), "--data", str(data), "--steps", "1000000",
                                    "--out", str(out), "--log", str(log)], stderr=subprocess.DEVNULL)
        deadline = time.time() + 120
        while not (log.exists() and log.stat().st_size) and process.poll() is None and time.time() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 1, "stopped")
        self.assertEqual(call("generate", "ab", "--model", GOLDEN / "tiny/tiny-f32.gguf", "--adapter", out, "--max-tokens", "2").returncode, 0)

    def test_bad_training_data_names_the_line(self):
        data = self.folder / "d.jsonl"
        data.write_text('{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n{"messages": 3}\n')
        result = call("train", "--model", GOLDEN / "tiny/tiny-f32.gguf", "--data", data, "--steps", "1", "--out", self.folder / "o.gguf")
        self.complains(result, 2, "d.jsonl line 2")
        data.write_text('{"messages":[{"role":"user","content":[{"type":"image","path":"none.png"}]},{"role":"assistant","content":"b"}]}\n')
        for embedders, about in (("keep", "--embedders new"), ("new", "none.png")):
            result = call("train", "--model", GOLDEN / "tiny/tiny-f32.gguf", "--data", data, "--steps", "1", "--embedders", embedders, "--out", self.folder / "o.gguf")
            self.complains(result, 2, "d.jsonl line 1: ")
            self.assertIn(about, result.stderr)
        self.assertFalse((self.folder / "o.gguf").exists())
        # A table of fewer rows than the vocabulary has pieces.
        content = bytearray((GOLDEN / "tiny/tiny-f32.gguf").read_bytes())
        rows = content.find(b"token_embd.weight") + len(b"token_embd.weight") + 4 + 8
        self.assertEqual(struct.unpack("<Q", content[rows:rows + 8])[0], 512)
        content[rows:rows + 8] = struct.pack("<Q", 100)
        (self.folder / "few.gguf").write_bytes(content)
        data.write_text('{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n')
        self.complains(call("train", "--model", self.folder / "few.gguf", "--data", data, "--steps", "1", "--out", self.folder / "o.gguf"), 2, "512 pieces")

    def test_sandbox_lua_codes(self):
        script = self.folder / "s.lua"
        workspace = self.folder / "w"
        workspace.mkdir()
        (workspace / "a.csv").write_text("a,b\n1,x\n2,y\n")
        script.write_text('print(data.read("a.csv"):sum("a"))')
        done = call("sandbox", "lua", "--workspace", workspace, script)
        self.assertEqual((done.returncode, done.stdout), (0, "3\n"), done.stderr)
        script.write_text('print(data.read("a.csv"):sum("c"))')
        result = call("sandbox", "lua", "--workspace", workspace, script)
        self.assertEqual(result.returncode, 1)
        self.assertIn('no column "c"', result.stderr)
        script.write_text('error("timed out, the script was stopped: killed")')  # words alone do not make a limit
        self.assertEqual(call("sandbox", "lua", "--workspace", workspace, script).returncode, 1)
        script.write_text("while true do end")
        self.assertIn(call("sandbox", "lua", "--workspace", workspace, script).returncode, (1, 124, 137))
        result = call("sandbox", "run", "--workspace", workspace, "--", "/bin/sh", "-c", "exit 7")
        self.assertEqual(result.returncode, 7, result.stderr)

    def test_a_chart_of_a_specification(self):
        spec, out = self.folder / "s.json", self.folder / "out"
        out.mkdir()
        (self.folder / "n.csv").write_text("name,births\nAda,3\nBob,5\nCy,4\n")
        spec.write_text(json.dumps({"data": {"url": "n.csv"}, "mark": "bar", "encoding": {
            "x": {"field": "name"}, "y": {"field": "births", "type": "quantitative"}}}))
        for name, start in [("a.png", b"\x89PNG"), ("a.svg", b"<svg"), ("a.pdf", b"%PDF"), ("a.json", b"{")]:
            done = call("chart", spec, "--out", out / name)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(start, (out / name).read_bytes()[:200])
        first = (out / "a.png").read_bytes()
        call("chart", spec, "--out", out / "a.png")
        self.assertEqual((out / "a.png").read_bytes(), first, "the same bytes every time")
        svg = (out / "a.svg").read_text()
        for name in ["Ada", "Bob", "Cy", "births"]:
            self.assertIn(name, svg)
        self.complains(call("chart", spec, "--out", out / "a.bmp"), 2, "a.bmp")
        self.complains(call("chart", self.folder / "none.json", "--out", out / "b.png"), 2, "none.json")
        spec.write_text('{"mark": "geoshape", "data": {"values": []}}')
        self.complains(call("chart", spec, "--out", out / "b.png"), 2, "projection")
        spec.write_text('{"mark": "bar", "data": {"url": "../secret.csv"}}')
        self.complains(call("chart", spec, "--out", out / "b.png"), 2, "secret.csv")
        spec.write_text('{"mark": ')
        self.complains(call("chart", spec, "--out", out / "b.png"), 2, "not JSON")
        self.assertFalse((out / "b.png").exists())
        # What a chart.* helper tells of its chart is drawn with its looks again; what only says to be that, as it stands.
        encoding = {"x": {"field": "name"}, "y": {"field": "births", "type": "quantitative"}}
        rows = {"values": [{"name": "Ada", "births": 3}, {"name": "Bob", "births": 5}]}
        for maker, data, looks in [("chart.bar", rows, True), ("chart.none", rows, False), (["chart.bar"], rows, False),
                                   ("chart.bar", {"url": "n.csv"}, False), ("chart.pie", rows, False), ("chart.hist", {"values": 5}, False)]:
            spec.write_text(json.dumps({"usermeta": {"made_by": maker}, "mark": "bar", "data": data, "encoding": encoding}))
            done = call("chart", spec, "--out", out / "c.svg")
            self.assertEqual((done.returncode, 'width="800' in (out / "c.svg").read_text()), (0, looks), (maker, data))

    def test_data_query_and_profile(self):
        (self.folder / "n.csv").write_text("name,births\nAda,3\nBob,5\nAda,4\n")
        query = ["data", "query", "--workspace", self.folder, "--format", "csv"]
        done = call(*query, "SELECT name, sum(births) AS n FROM 'n.csv' GROUP BY name ORDER BY n DESC")
        self.assertEqual((done.returncode, done.stdout), (0, "name,n\nAda,7\nBob,5\n"), done.stderr)
        self.complains(call(*query, "SELECT * FROM '/etc/passwd'"), 2, "/etc/passwd")
        self.complains(call(*query, "SELECT * FROM 'm.csv'"), 2, "m.csv", "n.csv")
        facts = json.loads(call("data", "profile", "--json", "--workspace", self.folder, "n.csv").stdout)
        self.assertEqual(facts["rows"], 3)

    def test_doctor(self):
        self.assertEqual(call("doctor").returncode, 0)

    @unittest.skipUnless(WEIGHTS.exists(), "the weights of Gemma 3 270M are not in the cache")
    def test_run_on_broken_tables_leaves_them_alone(self):
        cases = {"empty.csv": b"", "binary.csv": bytes(range(256)) * 20, "ragged.csv": b"a,b\n1,2\n3,4,5\n6\n"}
        for name, content in cases.items():
            folder = self.folder / name.split(".")[0]
            folder.mkdir()
            (folder / name).write_bytes(content)
            result = call("run", "--workspace", folder, "--json", "sum of a")
            last = json.loads(result.stdout.splitlines()[-1])
            self.assertEqual(last["status"], "error", name)
            self.assertEqual(result.returncode, 2, name)
            self.assertIn(name, last["answer"], name)
            self.assertEqual((folder / name).read_bytes(), content)
            self.assertEqual(sorted(p.name for p in folder.iterdir() if p.name != ".tessera"), [name])

    @unittest.skipUnless(WEIGHTS.exists(), "the weights of Gemma 3 270M are not in the cache")
    def test_run_prints_one_event_a_line_and_the_result_last(self):
        (self.folder / "pots.csv").write_text("glaze,price\nblue,12\ngreen,15\nblue,18\n")
        result = call("run", "--workspace", self.folder, "--json", "how many rows does pots.csv have?")
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(events[-1]["type"], "result")
        self.assertEqual(events[0]["type"], "request")
        self.assertEqual(set(events[-1]), {"type", "status", "answer", "artifacts", "charts", "usage", "session"})
        runs = list((self.folder / ".tessera/runs").glob("*.jsonl"))
        self.assertEqual(len(runs), 1)
        self.assertEqual([json.loads(x) for x in runs[0].read_text().splitlines()], events)

    @unittest.skipUnless(WEIGHTS.exists(), "the weights of Gemma 3 270M are not in the cache")
    def test_a_chart_that_was_drawn_is_looked_at(self):
        (self.folder / "pots.csv").write_text("glaze,price\nblue,12\ngreen,15\nwhite,18\nred,9\n")
        result = call("run", "--workspace", self.folder, "--json", "bar chart of the price per glaze")
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(len(events[-1]["charts"]), 1, events[-1])
        looks = [e["text"] for e in events if e["type"] == "observation" and e["tool"] == "look"]
        self.assertEqual(looks, ["chart.png: seen as a bar chart, nothing cut off"])


if __name__ == "__main__":
    unittest.main()
