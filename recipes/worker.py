"""The real tools: tessera-worker, asked without the sandbox, in a folder of its own.

Profiles and observations of the training data come from here, so they are what the program shows. What the toolbox does
with a worker's events (tools/toolbox/toolbox.cpp) and the agent with profiles (user_text in agent/agent.cpp) is said
again below; tests/recipes/test_program.py holds both against the program.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAX_OBSERVATION = 4000
MAX_PROFILED, MAX_PROFILE_BYTES = 12, 6000
PICTURES = (".png", ".jpg", ".jpeg")


def stop(reason):
    print(f"{Path(sys.argv[0]).name}: {reason}", file=sys.stderr)
    sys.exit(2)


class Worker:
    """One tessera-worker that answers scripts and profiles, one workspace after the other."""

    def __init__(self, program=None):
        self.program = Path(program or os.environ.get("TESSERA_WORKER") or ROOT / "build/tools/script/tessera-worker").resolve()
        self.duckdb = Path(os.environ.get("TESSERA_DUCKDB") or ROOT / ".deps/lib/libduckdb.so")
        for path, how in ((self.program, "build tessera-worker, or name it with --worker"), (self.duckdb, "run setup/fetch-duckdb, or name it with TESSERA_DUCKDB")):
            if not path.exists():
                stop(f"{path} is missing: {how}")
        shm = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="recipe.", dir=shm if os.access(shm, os.W_OK) else None))
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.process:
            self.socket.close()
            self.process.wait()
            self.process = None

    def start(self):
        ours, theirs = socket.socketpair()
        there = theirs.fileno()
        # The descriptor must be 3 in the worker; what Python opened itself is closed by close_fds.
        script = 'exec 3<&"$0"; exec "$@"'
        self.process = subprocess.Popen(["bash", "-c", script, str(there), str(self.program), "serve"], cwd=self.folder, pass_fds=(there,),
                                        env={**os.environ, "TESSERA_DUCKDB": str(self.duckdb)}, stdout=subprocess.DEVNULL)
        theirs.close()
        self.socket, self.rest = ours, b""

    def ask(self, request):
        """The events of one request."""
        for attempt in (1, 2):
            if not self.process:
                self.start()
            try:
                self.socket.sendall(json.dumps(request).encode() + b"\n")
                events = []
                while True:
                    while b"\n" not in self.rest:
                        more = self.socket.recv(1 << 16)
                        if not more:
                            raise ConnectionError
                        self.rest += more
                    line, self.rest = self.rest.split(b"\n", 1)
                    if not line:
                        return events
                    events.append(json.loads(line))
            except (ConnectionError, BrokenPipeError):
                self.stop()
        raise RuntimeError(f"the worker ended without an answer to {request}")

    def fill(self, files):
        """Makes the workspace hold `files`, path -> (bytes, seconds since 1970 or None), and nothing else."""
        for entry in self.folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for path, (data, when) in files.items():
            full = self.folder / path
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_bytes(data)
            if when is not None:
                os.utime(full, (when, when))

    def profiles(self, paths):
        """path -> {"text", "error", "columns"} as the agent gets them."""
        events = self.ask({"mode": "profile", "paths": list(paths), "own": True})
        return {e["path"]: e for e in events if e["type"] == "profile"}

    def run_lua(self, code):
        """The observation of a script (Toolbox::run_lua)."""
        lines = ""
        for e in self.ask({"mode": "lua", "script": code, "seed": 1, "own": True}):
            if e["type"] == "print":
                lines += ("" if not lines or lines.endswith("\n") else "\n") + e["text"]
            if e["type"] == "error":
                return ("error: " + e["message"])[:MAX_OBSERVATION]
        return lines[:MAX_OBSERVATION] if lines else "error: the script printed nothing; use print or a chart"


def user_text(profiles, request, with_pictures=False):
    """What the user's message says (user_text in agent/agent.cpp). profiles: path -> text, sorted by path."""
    text = ""
    only_pictures = all(Path(p).suffix in PICTURES for p in profiles)
    for i, (path, said) in enumerate(profiles.items()):
        if Path(path).suffix in PICTURES and not only_pictures and not with_pictures:
            continue
        if i >= MAX_PROFILED:
            said = path
        if len((text + said).encode()) > MAX_PROFILE_BYTES and text:
            said = path
        text += said.rstrip("\n") + "\n\n"
    return text + request
