"""A terminal of its own in tmux, and screens of it that are compared with tests/golden/terminal (UPDATE_GOLDEN=1 rewrites them)."""
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "terminal"


def need_tmux():
    if shutil.which("tmux") is None:
        print("skipped: tmux is missing (setup/packages-tests.txt)")
        sys.exit(77)


class Screen:
    """A terminal of its own."""

    count = 0

    def __init__(self, top, folder, environment, words, columns=80, rows=60):
        Screen.count += 1
        self.socket = str(top / f"{Screen.count}.tmux")  # a server that was ended may still hold the last one
        (top / "tmux.conf").write_text('set -g default-terminal "screen"\nset -g status off\nset -g allow-rename off\n')
        settings = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
        self.tmux("-f", str(top / "tmux.conf"), "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(folder), *settings,
                  "env", *(f"-u{name}" for name in ("COLORTERM", "NO_COLOR") if name not in environment), "sh", "-c",
                  'trap : INT; "$@"; echo "exit $?"; exec sleep 600', "sh", *map(str, words))
        self.folder = folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def tmux(self, *words):
        environment = {k: v for k, v in os.environ.items() if k not in ("TMUX", "TMUX_PANE")}
        done = subprocess.run(["tmux", "-u", "-S", self.socket, *words], capture_output=True, text=True, env=dict(environment, LC_ALL="C.UTF-8"),
                              timeout=20)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def text(self, *more):
        lines = [line.rstrip() for line in self.tmux("capture-pane", "-p", *more).splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines) + "\n"

    def wait(self, sign, still=True, seconds=60):
        """Until the sign stands on the screen, and nothing moves any more."""
        end, before = time.time() + seconds, None
        while time.time() < end:
            now = self.text()
            if re.search(sign, now) and (now == before or not still):
                return now
            before = now
            time.sleep(0.25 if re.search(sign, now) else 0.05)
        raise AssertionError(f"{sign!r} did not come:\n{self.text()}")

    def ask(self, line, sign, **more):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")
        return self.wait(sign, **more)

    def key(self, name):
        self.tmux("send-keys", name)


def compare(name, text, folder):
    """What differs from run to run has one form."""
    for pattern, to in ((re.escape(str(folder)), "FOLDER"), (r"127\.0\.0\.1:\d+", "SERVER"), (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME"), (r"\(\d+\.\d s\)", "(SECONDS)"),
                        (r"\b[0-9a-hjkmnp-tv-z]{8}\b(?=  TIME| goes|`)", "SESSION"), (r"session [0-9a-hjkmnp-tv-z]{8}", "session SESSION")):
        text = re.sub(pattern, to, text)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.exists() and path.read_text() == text, f"{path} is another screen than\n{text}"
