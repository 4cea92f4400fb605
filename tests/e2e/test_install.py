#!/usr/bin/env python3
"""What is installed: the program runs from any folder without the source and the build tree; the manual page and the
completions name every command and option; the Debian package holds all of it and runs; the source tarball is the same
twice. argv[1]: the program; argv[2]: the build folder; argv[3]: the source folder."""
import functools
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, BUILD, SOURCE = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
del sys.argv[1:4]
ROOM = tempfile.TemporaryDirectory()
ROOT = pathlib.Path(ROOM.name)
os.chmod(ROOT, 0o755)


def call(*args, **more):
    return subprocess.run([*map(str, args)], capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL, **more)


def hiding():
    """A command that runs another with the source and the build tree out of sight; None where that needs rights we lack."""
    covers = " && ".join(f"mount -t tmpfs -o mode=700 none '{folder}'" for folder in dict.fromkeys([str(BUILD), str(SOURCE)]))
    for unshare in (["unshare", "-m"], ["unshare", "-rm"]):
        prefix = [*unshare, "sh", "-c", covers + ' && exec "$@"', "sh"]
        if call(*prefix, "test", "!", "-e", SOURCE / "meson.build", cwd="/").returncode == 0:
            return prefix
    return None


@functools.cache
def commands():
    """Every command's path with the options that its --help names."""
    found = {}

    def look(path):
        text = call(PROGRAM, *path, "--help").stdout
        options, _, below = text.partition("\nSubcommands:\n")
        found[path] = sorted(set(re.findall(r"^  (?:-\w,)?(--[a-z][\w-]*)", options, re.M)))
        for name in re.findall(r"^  ([a-z]+)\s", below, re.M):
            look((*path, name))

    look(())
    return found


class Described(unittest.TestCase):
    def completion(self, shell):
        path = ROOT / ("tessera." + shell)
        path.write_text(call(PROGRAM, "completion", shell).stdout)
        return path

    def test_the_help_was_read(self):
        self.assertIn(("data", "query"), commands())
        self.assertIn("--workspace", commands()[("data", "query")])
        self.assertGreater(len(commands()), 30)

    def test_man_page(self):
        page = ROOT / "tessera.1"
        page.write_text(call(PROGRAM, "man").stdout)
        sections = {s.split("\n", 1)[0]: s for s in page.read_text().replace("\\-", "-").split("\n.SS ")[1:]}
        for path, options in commands().items():
            if not path:
                continue
            section = sections[" ".join(("tessera", *path))]
            for option in options:
                self.assertRegex(section, re.escape(option) + r"(?![\w-])", path)
        if shutil.which("groff"):
            self.assertEqual(call("groff", "-man", "-ww", "-z", "-Tutf8", page).stderr, "")
        if shutil.which("mandoc"):
            self.assertEqual(call("mandoc", "-Tlint", "-Wwarning", page).stdout, "")

    def test_bash(self):
        script = self.completion("bash")

        def complete(*cases):
            """What each command line, a list of words, is completed to; the last word is the one that is typed."""
            lines = [f"source {script}"]
            for words in cases:
                quoted = " ".join(f"'{w}'" for w in words)
                lines.append(f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _tessera; echo \"${{COMPREPLY[@]}}\"")
            done = call("bash", "--norc", "-c", "\n".join(lines))
            self.assertEqual(done.stderr, "")
            return [line.split() for line in done.stdout.splitlines()]

        self.assertEqual(complete(["tessera", "da"], ["tessera", "data", ""], ["tessera", "data", "query", "--format", ""],
                                  ["tessera", "data", "query", "--format", "=", "j"], ["tessera", "run", "--workspace", "data", "--pol"],
                                  ["tessera", "run", "--workspace", ""]),  # files are bash's own
                         [["data"], ["query", "profile"], ["csv", "json", "table"], ["json"], ["--policy"], []])
        options = [["tessera", *path, option] for path, names in commands().items() for option in names]
        for words, found in zip(options, complete(*options), strict=True):
            self.assertIn(words[-1], found, words)
        parents = {path: sorted(p[-1] for p in commands() if p and p[:-1] == path) for path in commands()}
        parents = {path: below for path, below in parents.items() if below}
        for (path, below), found in zip(parents.items(), complete(*[["tessera", *path, ""] for path in parents]), strict=True):
            self.assertEqual(sorted(found), below, path)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        script = self.completion("zsh")
        done = call("zsh", "-f", "-c", f"autoload -U compinit; compinit -D -u; source {script}; print $_comps[tessera]")
        self.assertEqual((done.stdout, done.stderr), ("_tessera\n", ""))
        # Without a terminal there is no completing: the functions that show are caught.
        for words, expected in [("tessera da", "data:Tables"), ("tessera data ''", "query:One SELECT"), ("tessera data query --f", "--format:csv"), ("tessera data query --format ''", "table")]:
            shown = call("zsh", "-f", "-c", f"compdef() {{ }}; source {script}; compadd() {{ print -rl -- $* }}; _files() {{ }}; _describe() {{ print -rl -- ${{(P)@[-1]}} }}; words=({words}); CURRENT=$#words; _tessera")
            self.assertEqual(shown.stderr, "")
            self.assertIn("\n" + expected, "\n" + shown.stdout)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        script = self.completion("fish")
        for line, expected in [("tessera da", "data\t"), ("tessera data q", "query\t"), ("tessera data query --form", "--format\t"), ("tessera data query --format j", "json")]:
            done = call("fish", "-N", "-c", f"source {script}; complete -C '{line}'", env=dict(os.environ, HOME=str(ROOT)))
            self.assertEqual(done.stderr, "")
            self.assertIn(expected, done.stdout, line)


class Installed(unittest.TestCase):
    def try_program(self, bin_folder, work):
        """The program's main jobs, by a program that lies elsewhere."""
        work.mkdir()
        (work / "home").mkdir()
        environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(work / "home"), "LC_ALL": "C.UTF-8"}
        self.assertIsNotNone(hiding(), "cannot hide the trees")

        def tessera(*args, code=0):
            done = call(*hiding(), "tessera", *args, cwd=work, env=environment)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            return done.stdout

        self.assertIn("Everything that is needed is there.", tessera("doctor"))
        for part in re.findall(r"^ok +(?:launcher|planner|charts as HTML) +(/\S+)", tessera("doctor"), re.M):
            self.assertTrue(part.startswith(str(bin_folder.parent)), part)
        if os.geteuid() == 0 and shutil.which("setpriv"):
            # An ordinary user may not even look at where the build folder was.
            done = call(*hiding(), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "tessera", "doctor", cwd="/", env=environment)
            self.assertIn(f"ok   launcher                 {bin_folder.parent}", done.stdout)
        tessera("examples", "sales")
        self.assertIn('"rows":240', tessera("data", "profile", "--json", "--workspace", "sales", "orders.csv").replace(" ", ""))
        script = bin_folder.parent / "share/tessera/examples/sales.lua"
        self.assertIn("South,35340.3", tessera("sandbox", "lua", "--workspace", "sales", script))
        self.assertEqual((work / "sales/chart.png").read_bytes()[:4], b"\x89PNG")
        (work / "charts").mkdir()
        (work / "charts/spec.json").write_text('{"mark": "bar", "data": {"values": [{"a": "x", "b": 1}]}, "encoding": {"x": {"field": "a"}, "y": {"field": "b", "type": "quantitative"}}}')
        tessera("chart", "charts/spec.json", "--out", "chart.svg")
        if (bin_folder.parent / "share/tessera/vega").exists():
            tessera("chart", "charts/spec.json", "--out", "chart.html")

    def test_meson_install(self):
        if hiding() is None:
            self.skipTest("this user cannot hide a folder from a program")
        done = call("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", ROOT / "stage")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (bin_folder,) = (p.parent for p in (ROOT / "stage").rglob("bin/tessera"))
        for name in ["libexec/tessera/tessera-worker", "libexec/tessera/tessera-launcher", "lib/tessera/libduckdb.so", "share/tessera/planner.gguf", "share/tessera/eyes.gguf",
                     "share/doc/tessera/LICENSE", "share/doc/tessera/LICENSE.duckdb", "share/man/man1/tessera.1", "share/zsh/site-functions/_tessera",
                     "share/bash-completion/completions/tessera.bash", "share/fish/vendor_completions.d/tessera.fish"]:
            self.assertTrue((bin_folder.parent / name).is_file(), name)
        self.try_program(bin_folder, ROOT / "work")

    @unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "dpkg-dev is not installed")
    def test_debian_package(self):
        if hiding() is None:
            self.skipTest("this user cannot hide a folder from a program")
        out = ROOT / "deb"
        out.mkdir()
        done = call(SOURCE / "packaging/build-deb", BUILD, out, env=dict(os.environ, TESSERA_DEB_FAST="1"))
        self.assertEqual(done.returncode, 0, done.stderr)
        package = done.stdout.strip()
        listed = call("dpkg-deb", "-c", package).stdout
        modes = {line.split(None, 5)[5]: line.split(None, 2)[:2] for line in listed.splitlines()}
        for name in ["bin/tessera", "libexec/tessera/tessera-worker", "libexec/tessera/tessera-launcher"]:
            self.assertEqual(modes["./usr/" + name], ["-rwxr-xr-x", "root/root"])
        for name in ["share/man/man1/tessera.1.gz", "share/bash-completion/completions/tessera", "share/zsh/vendor-completions/_tessera",
                     "share/fish/vendor_completions.d/tessera.fish", "share/doc/tessera/copyright", "share/doc/tessera/NEWS.gz",
                     "share/tessera/planner.gguf", "share/tessera/eyes.gguf", "share/tessera/examples/sales/orders.csv", "lib/tessera/libduckdb.so"]:
            self.assertEqual(modes["./usr/" + name], ["-rw-r--r--", "root/root"])
        self.assertNotIn("/usr/local", listed)
        depends = call("dpkg-deb", "-f", package, "Depends").stdout
        for library in ["libc6", "libcairo2", "liblua5.4-0", "libopenblas0", "fonts-dejavu-core"]:
            self.assertIn(library, depends)
        call("dpkg-deb", "-x", package, ROOT / "package")
        notices = (ROOT / "package/usr/share/doc/tessera/copyright").read_text()
        for name in ["Apache License", "DuckDB", "llguidance", "minijinja", "Boost Software License"]:
            self.assertIn(name, notices)
        self.assertTrue(gzip.decompress((ROOT / "package/usr/share/man/man1/tessera.1.gz").read_bytes()).startswith(b".TH TESSERA 1"))
        self.try_program(ROOT / "package/usr/bin", ROOT / "work-of-the-package")

    @unittest.skipUnless((SOURCE / ".git").exists(), "not a git checkout")
    def test_source_tarball(self):
        made = []
        for name in ["one", "two"]:
            (ROOT / name).mkdir()
            done = call(SOURCE / "packaging/build-source", ROOT / name)
            self.assertEqual(done.returncode, 0, done.stderr)
            made.append(pathlib.Path(done.stdout.strip()).read_bytes())
        self.assertEqual(made[0], made[1])
        names = call("tar", "-tzf", done.stdout.strip()).stdout.splitlines()
        self.assertTrue(all(n.startswith("tessera-") for n in names))
        self.assertIn("meson.build", [n.split("/", 1)[1] for n in names])


if __name__ == "__main__":
    unittest.main(verbosity=1)
