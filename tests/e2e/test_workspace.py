"""The program from outside: what a run changes is shown, kept at once, undone; policies; the audit log; the proxy.

    test_workspace.py PATH/TO/tessera
"""
import hashlib
import http.server
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TESSERA = os.path.abspath(sys.argv.pop(1))


def tree(top):
    """Everything of a folder but .tessera and the times of folders: names, modes, times, contents, targets."""
    found = {}
    for folder, folders, files in os.walk(top):
        folders[:] = [f for f in folders if f != ".tessera"]
        for name in folders + files:
            path = pathlib.Path(folder, name)
            info = path.lstat()
            key = str(path.relative_to(top))
            if path.is_symlink():
                found[key] = ("link", os.readlink(path))
            elif path.is_dir():
                found[key] = ("folder", oct(info.st_mode))
            else:
                found[key] = (oct(info.st_mode), info.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


class Workspace(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tessera-e2e-")
        self.addCleanup(self.folder.cleanup)
        self.base = pathlib.Path(self.folder.name)
        self.top = self.base / "workspace"
        self.top.mkdir()
        self.env = dict(os.environ, XDG_STATE_HOME=str(self.base / "state"))
        doctor = subprocess.run([TESSERA, "doctor"], capture_output=True, text=True, env=self.env)
        if "confined run" in doctor.stdout and "MISS" in doctor.stdout:
            self.skipTest("no sandbox on this machine: " + doctor.stdout)

    def tessera(self, *arguments, **more):
        return subprocess.run([TESSERA, *arguments], cwd=self.top, env=self.env, capture_output=True, text=True,
                              timeout=120, **more)

    def shell(self, script, *options):
        return self.tessera("sandbox", "run", *options, "--", "sh", "-c", script)

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Undo(Workspace):
    def test_a_run_is_shown_and_undone(self):
        self.write("notes.txt", "hello\n")
        self.write("numbers.csv", "1\n2\n")
        self.write("old/a.txt", "a\n")
        os.chmod(self.top / "old/a.txt", 0o640)
        os.utime(self.top / "old/a.txt", ns=(10**18, 10**18))
        before = tree(self.top)
        run = self.shell("echo more >> notes.txt; mv numbers.csv renamed.csv; rm -r old; mkdir new; echo n > new/n.txt; "
                         "ln -s /etc/passwd leak; mkdir .git; echo evil > .git/config", "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        kinds = {c["path"]: c["kind"] for c in result["changes"]}
        self.assertEqual(kinds, {"notes.txt": "changed", "renamed.csv": "moved", "old": "removed", "old/a.txt": "removed",
                                 "new": "added", "new/n.txt": "added"})
        self.assertEqual([r["path"] for r in result["refused"]], [".git", "leak"])
        self.assertFalse((self.top / ".git").exists())
        self.assertFalse((self.top / "leak").is_symlink())
        after = tree(self.top)
        diff = self.tessera("changes", result["run"], "--diff").stdout
        self.assertIn("+more", diff)
        self.assertIn("moved    numbers.csv -> renamed.csv", diff)
        self.assertEqual(self.tessera("undo").returncode, 0)
        self.assertEqual(tree(self.top), before)
        self.assertEqual(self.tessera("undo", "--redo").returncode, 0)
        self.assertEqual(tree(self.top), after)
        nothing = self.tessera("undo", "9999")
        self.assertEqual(nothing.returncode, 2, nothing.stderr)

    def test_an_edit_made_since_is_not_lost(self):
        self.write("notes.txt", "hello\n")
        self.assertEqual(self.shell("echo run > notes.txt; echo new > other.txt").returncode, 0)
        self.write("notes.txt", "mine, and longer\n")
        refused = self.tessera("undo")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("notes.txt", refused.stderr)
        self.assertTrue((self.top / "other.txt").exists())
        self.assertEqual(self.tessera("undo", "--keep-mine").returncode, 0)
        self.assertEqual((self.top / "notes.txt").read_text(), "mine, and longer\n")
        self.assertFalse((self.top / "other.txt").exists())

    def test_an_edit_made_meanwhile_is_a_conflict(self):
        self.write("notes.txt", "hello\n")
        process = subprocess.Popen([TESSERA, "sandbox", "run", "--", "sh", "-c", "echo run > notes.txt; echo started; sleep 1"],
                                   cwd=self.top, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "started\n")
        self.write("notes.txt", "mine\n")
        _, errors = process.communicate(timeout=60)
        self.assertIn("nothing was kept", errors)
        self.assertEqual((self.top / "notes.txt").read_text(), "mine\n")

    def test_a_trial_and_a_program_that_was_ended_change_nothing(self):
        self.write("notes.txt", "hello\n")
        before = tree(self.top)
        trial = self.shell("rm notes.txt", "--dry-run")
        self.assertIn("removed: notes.txt", trial.stderr)
        self.assertEqual(tree(self.top), before)
        killed = self.shell("rm notes.txt; kill -9 $$")
        self.assertEqual(killed.returncode, 137, killed.stderr)
        self.assertEqual(tree(self.top), before)

    def test_killed_at_any_moment_it_is_all_or_nothing(self):
        """kill -9 of the program during run, commit and undo; TESSERA_SESSIONS=100 for more of them."""
        rng = random.Random(7)
        groups = lambda: {p.name for p in pathlib.Path("/sys/fs/cgroup").rglob("tessera-*")}
        groups_before = groups()  # other programs' groups may end meanwhile
        for session in range(int(os.environ.get("TESSERA_SESSIONS", "12"))):
            self.write("a/one.txt", f"one {session}\n")
            self.write("a/two.txt", "two\n" * 1000)
            self.write("b.txt", f"{rng.random()}\n")
            before = tree(self.top)
            script = "; ".join(rng.sample(["mv a c", "rm -rf a", "echo x > b.txt", "rm b.txt", "mkdir -p d/e && echo y > d/e/f",
                                           "cp b.txt b2.txt", "chmod 600 b.txt", "seq 20000 > big.txt", "ln -s b.txt link"], 4))
            command = [TESSERA, "sandbox", "run", "--", "sh", "-c", script]
            start = time.monotonic()
            if session == 0:
                subprocess.run(command, cwd=self.top, env=self.env, capture_output=True, timeout=60)
                whole = time.monotonic() - start
                self.assertEqual(self.tessera("undo").returncode, 0)
                self.assertEqual(tree(self.top), before)
                continue
            process = subprocess.Popen(command, cwd=self.top, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, whole * 1.2))
            process.send_signal(signal.SIGKILL)
            process.wait()
            runs = json.loads(self.tessera("changes", "--json").stdout)  # recovers
            if runs and runs[-1]["state"] == "committed":
                undo = subprocess.Popen([TESSERA, "undo", runs[-1]["run"]], cwd=self.top, env=self.env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0, 0.05))
                undo.send_signal(signal.SIGKILL)
                undo.wait()
                runs = json.loads(self.tessera("changes", "--json").stdout)
                if runs[-1]["state"] == "committed":
                    self.assertEqual(self.tessera("undo", runs[-1]["run"]).returncode, 0)
            self.assertEqual(tree(self.top), before, f"session {session}: {script}")
            self.assertEqual(sorted(p.name for p in self.top.iterdir() if p.name not in (".tessera", "a", "b.txt")), [])
        for _ in range(100):
            self.shell("true")  # sweeps
            if groups() <= groups_before:
                break
        self.assertEqual(groups() - groups_before, set())


class Policies(Workspace):
    def test_the_policy_is_asked_first(self):
        self.write("notes.txt", "hello\n")
        refused = self.tessera("sandbox", "run", "--policy", "strict", "--", "sh", "-c", "true")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("refuses it", refused.stderr)
        unasked = self.tessera("sandbox", "run", "--policy", "review", "--", "touch", "new.txt")
        self.assertEqual(unasked.returncode, 3, unasked.stderr)
        self.assertIn("nothing was kept", unasked.stderr)
        asked = self.tessera("sandbox", "run", "--policy", "review", "--", "rm", "notes.txt")
        self.assertEqual(asked.returncode, 3, asked.stderr)
        self.assertIn("--yes", asked.stderr)
        self.assertTrue((self.top / "notes.txt").exists())
        said = self.tessera("sandbox", "run", "--policy", "review", "--yes", "--", "rm", "notes.txt")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertFalse((self.top / "notes.txt").exists())

    def test_what_a_script_wrote_is_asked_about(self):
        self.write("t.csv", "a,b\n1,2\n")
        self.write("s.lua", 'data.read("t.csv"):save("out.csv")\n')
        refused = self.tessera("sandbox", "lua", "--policy", "review", "s.lua")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertFalse((self.top / "out.csv").exists())
        kept = self.tessera("sandbox", "lua", "--policy", "review", "--yes", "s.lua")
        self.assertEqual(kept.returncode, 0, kept.stderr)
        self.assertTrue((self.top / "out.csv").exists())

    def test_explain_says_why(self):
        explained = self.tessera("policy", "explain", "--policy", "review", "--", "sh", "-c", "cd a && rm -rf b")
        self.assertIn("It removes files.", explained.stdout)
        self.assertIn("ask", explained.stdout)

    def test_the_audit_log_is_whole_and_notices_changes(self):
        self.shell("echo x > y")
        verified = self.tessera("audit", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        log = self.base / "state/tessera/audit.jsonl"
        kinds = [json.loads(line)["kind"] for line in log.read_text().splitlines()]
        self.assertEqual(kinds, ["verdict", "outcome", "commit"])
        log.write_text(log.read_text().replace('"exit code 0"', '"exit code 1"'))
        broken = self.tessera("audit", "verify")
        self.assertEqual(broken.returncode, 6, broken.stdout + broken.stderr)


class Network(Workspace):
    def test_only_the_hosts_of_the_policy_are_reached(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"hello from the host")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        port = server.server_address[1]
        policy = json.loads(self.tessera("policy", "show", "default").stdout)
        policy.update(name="one host", network={"hosts": [f"127.0.0.1:{port}"]})
        (self.base / "policy.json").write_text(json.dumps(policy))
        fetch = "import urllib.request as u\ntry: print(u.urlopen('{}', timeout=5).read().decode())\nexcept Exception as e: print('refused', e)"
        run = lambda url, *options: self.tessera("sandbox", "run", *options, "--", "python3", "-c", fetch.format(url))
        opened = ["--policy", str(self.base / "policy.json")]
        self.assertEqual(run(f"http://127.0.0.1:{port}/", *opened).stdout, "hello from the host\n")
        self.assertIn("403", run("http://127.0.0.1:1/", *opened).stdout)
        self.assertIn("refused", run(f"http://127.0.0.1:{port}/").stdout)  # the default policy has no network
        direct = self.tessera("sandbox", "run", *opened, "--", "python3", "-c",
                              f"import socket\ntry: socket.create_connection(('127.0.0.1', {port}), 2); print('reached')\n"
                              "except OSError: print('not reached')")
        self.assertEqual(direct.stdout, "not reached\n", direct.stderr)
        kinds = re.findall(r'"kind":"proxy","event":"(\w+)"', (self.base / "state/tessera/audit.jsonl").read_text())
        self.assertIn("allowed", kinds)
        self.assertIn("refused", kinds)


if __name__ == "__main__":
    unittest.main(verbosity=1)
