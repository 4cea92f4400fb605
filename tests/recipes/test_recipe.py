"""Tests of the training data generator. argv: tessera-worker, reply-check (both of the build folder)."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
sys.path.insert(0, str(RECIPES))

import make_data  # noqa: E402
import speech  # noqa: E402
import tables  # noqa: E402
from spelling import spellable  # noqa: E402
from tables import format_number  # noqa: E402
from wording import singular  # noqa: E402
from worker import Worker, user_text  # noqa: E402

WORKER, REPLY_CHECK = sys.argv[1:3] if len(sys.argv) > 2 else (None, None)
PHRASE = re.compile(r"[^ =;A-Z\x00-\x1f\x7f]+( [^ =;A-Z\x00-\x1f\x7f]+){0,5}\Z")
NEW = ("derived", "layout", "parts", "folder", "unable")
WANTED = ("counts", "durations", "calendar", "lacking", "one_group", "products", "quotients", "several_lines", "family", "dated_names", "many_files", "log_counts", "terse", "listed")


def made(seed, count, split="train"):
    desk = make_data.Desk(Worker(WORKER))
    out = [(w, dict(desk.profiles), messages, kind, task) for w, messages, kind, task in make_data.examples(seed, count, split, desk)]
    desk.worker.close()
    return out


def call_of(message):
    return message["tool_calls"][0]["function"]


class Speech(unittest.TestCase):
    def test_the_instruction_is_the_programs(self):
        text = (Path(__file__).resolve().parents[2] / "model/attachment.h").read_text()
        spelled = re.search(r"kTranscribeInstruction =(.*?);", text, re.S)[1]
        self.assertEqual("".join(re.findall(r'"(.*?)"', spelled)), speech.INSTRUCTION)

    def test_only_what_has_one_reading_is_spoken(self):
        self.assertEqual(speech.said("Show me the sales per city, please!"), "show me the sales per city please")
        self.assertEqual(speech.said("top 10 of 2024 as bars"), "top 10 of 2024 as bars")
        for text in ("plot sales.csv by city", "sum of Amount (EUR) per day", "more than 3.5 per row", "two words"):
            self.assertIsNone(speech.said(text))

    def test_rare_words_are_taken_for_typos(self):
        lines = [f"table\n\nhow many {thing} are there" for thing in ("cows", "cows now", "red cows", "old cows", "cowss")]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.writelines(json.dumps({"messages": [{"content": line}]}) + "\n" for line in lines)
            file.flush()
            self.assertEqual(speech.requests_of(file.name), ["how many cows are there"])

    def test_each_eval_sentence_has_every_voice_and_seeds_decide(self):
        sentences = ["one", "two", "three"]
        self.assertEqual([t[:2] for t in speech.unheard(sentences, 2 * len(speech.VOICES["eval"]))], [(w, v) for w in ("one", "two") for v in speech.VOICES["eval"]])

        def heard(seed):
            return list(speech.takes(random.Random(seed), sentences, 20, speech.VOICES["train"], 0.5))
        self.assertEqual(heard(1), heard(1))
        self.assertNotEqual(heard(1), heard(2))

    def test_pieces_are_words_in_a_row_and_single_words_are_as_often_each(self):
        def drawn(*options):
            piece, rng = speech.pieces(["a b x c", "a b a"], *options), random.Random(3)
            return Counter(piece(rng) for _ in range(400))
        self.assertEqual(set(drawn(2, 2, 0, 0)), {"a b", "b x", "x c", "b a"})
        self.assertEqual(set(drawn(1, 2, 2, 0)), {"a", "b", "a b", "b a"})
        single = drawn(2, 2, 0, 1.0)
        self.assertEqual(set(single), {"a", "b", "x", "c"})
        self.assertGreater(min(single.values()), 70)

    @unittest.skipUnless(speech.numpy, "no numpy")
    def test_a_recording_keeps_the_speech_and_adds_what_was_asked_for(self):
        tone = speech.numpy.sin(speech.numpy.arange(4000) / 9) * 8000
        quiet, noisy = (speech.recorded(random.Random(5), tone, noise, 0.4) for noise in (False, True))
        self.assertEqual(len(quiet), len(noisy))
        self.assertGreaterEqual(len(quiet), 4000 + 2 * 0.05 * speech.RATE - 2)
        self.assertEqual(quiet[0], 0)
        self.assertNotEqual(quiet.tolist(), noisy.tolist())

    def test_words_are_counted_wrong_that_were_exchanged_added_or_left_out(self):
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "planner"))
        from hear import errors, plain
        self.assertEqual(plain("The Cow's 2 calves, please."), ["the", "cow's", "2", "calves", "please"])
        for heard, n in (("a b c", 0), ("a x c", 1), ("a c", 1), ("a b b c", 1), ("", 3), ("c a b", 2)):
            self.assertEqual(errors(["a", "b", "c"], heard.split()), n)

    @unittest.skipUnless(shutil.which("espeak-ng") and speech.numpy, "no espeak-ng or no numpy")
    def test_it_speaks(self):
        samples = speech.spoken("show me the sales per city", "en-us", 165, 50)
        self.assertGreater(len(samples), speech.RATE)
        self.assertGreater(max(samples), 2000)


class Charts(unittest.TestCase):
    """recipes/inspection.py: pictures with questions."""

    def drawn(self, folder, split):
        done = subprocess.run([sys.executable, RECIPES / "inspection.py", "--seed", "5", "--count", "60", "--split", split, "--out", folder, "--worker", WORKER], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line)["messages"] for line in (Path(folder) / "data.jsonl").read_text().splitlines()]

    def test_the_answers_have_the_forms_that_are_read(self):
        header = (RECIPES.parent / "agent/chart_look.cpp").read_text()
        with tempfile.TemporaryDirectory() as folder:
            asked = self.drawn(folder, "eval")
            kinds = set()
            for messages in asked:
                self.assertTrue((Path(folder) / messages[0]["content"][0]["path"]).read_bytes().startswith(b"\x89PNG"))
                said = messages[1]["content"]
                if said == "blank":
                    self.assertEqual(len(messages), 2)
                    continue
                kind, state = said.split("; ")
                kinds.add(kind)
                self.assertIn(f'{{"{kind}", ', header)
                self.assertRegex(state, r"^(complete|no legend|cut off at the (left|right|top|bottom))$")
                # Each place has its number, they rise, and the last number is the count.
                *places, count = messages[3]["content"].rstrip(".").split(": ")
                counts = [int(n) for n in re.findall(r"\d+", count)]
                for part in (places or [""])[0].split(", ") if places else []:
                    pairs = [tuple(map(int, pair.split("="))) for pair in part.split()]
                    self.assertEqual([i for i, _ in pairs], list(range(1, len(pairs) + 1)))
                    self.assertEqual([p for _, p in pairs], sorted(p for _, p in pairs))
                    self.assertIn(len(pairs), counts)
            self.assertGreater(len(kinds), 6)
            self.assertTrue(any(": " in m[3]["content"] for m in asked if len(m) > 2))

    def test_same_seed_same_bytes(self):
        with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
            self.assertEqual(self.drawn(a, "train"), self.drawn(b, "train"))
            for name in sorted(os.listdir(a)):
                self.assertEqual((Path(a) / name).read_bytes(), (Path(b) / name).read_bytes(), name)


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.examples = made(11, 160) + made(12, 40, "eval")

    def test_same_seed_same_text(self):
        a = [json.dumps(m) for _, _, m, _, _ in made(3, 20)]
        b = [json.dumps(m) for _, _, m, _, _ in made(3, 20)]
        self.assertEqual(a, b)
        self.assertNotEqual(a, [json.dumps(m) for _, _, m, _, _ in made(4, 20)])

    def test_no_domain_is_in_both_splits(self):
        train = {d["domain"] for d in make_data.domains_of("train")}
        held_out = {d["domain"] for d in make_data.domains_of("eval")}
        self.assertGreaterEqual(len(held_out), 6)
        self.assertFalse(train & held_out)

    def test_order_of_messages(self):
        for _, _, messages, kind, _ in self.examples:
            roles = [m["role"] for m in messages]
            self.assertEqual(roles[:2], ["user", "assistant"])
            if call_of(messages[1])["name"] == "decline":
                self.assertEqual(roles, ["user", "assistant"])
            elif kind == "repair":
                self.assertEqual(roles, ["user", "assistant", "tool", "assistant", "tool", "assistant"])
                self.assertIs(messages[1]["train"], False)
                self.assertIn("error: ", messages[2]["content"])
            else:
                self.assertEqual(roles, ["user", "assistant", "tool", "assistant"])

    def test_shares_of_old_and_new_shapes(self):
        """As recipes/README.md says them, and as drawn within three standard deviations."""
        kinds, n = Counter(kind for _, _, _, kind, _ in self.examples), len(self.examples)
        for some, said, least, most in ((NEW, 0.33, 0.32, 0.54), (WANTED, 0.26, 0.17, 0.33), (["two_steps"], 0.055, 0.02, 0.12), (["text_files"], 0.043, 0.01, 0.1), (["two_answers"], 0.012, 0.005, 0.05)):
            meant = sum(make_data.MIXTURE[k] for k in some) / sum(make_data.MIXTURE.values())
            self.assertAlmostEqual(meant, said, delta=0.01, msg=some)
            self.assertTrue(least < meant < most, (some, meant))
            drawn = sum(kinds[k] for k in some) / n
            self.assertLess(abs(drawn - meant), 3 * (meant * (1 - meant) / n) ** 0.5, (some, kinds))
            if some is not NEW:  # its least is nearer to what is meant than 200 drawn can tell
                self.assertTrue(least < drawn < most, (some, kinds))

    def test_without_a_worker_or_duckdb_it_says_so(self):
        program = Path(make_data.HERE) / "make_data.py"
        for arguments, environment in ((["--worker", "/nowhere/tessera-worker"], {}), (["--worker", WORKER], {"TESSERA_DUCKDB": "/nowhere/libduckdb.so"})):
            done = subprocess.run([sys.executable, program, "--count", "1", "--out", "/dev/null", *arguments], capture_output=True, text=True, env={**os.environ, **environment})
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, r"\Amake_data\.py: .* is missing: [^\n]*\n\Z")

    def test_most_are_short(self):
        """700 tokens with the system prompt are about 1,500 characters of the rest."""
        sizes = sorted(sum(len(m["content"]) + len(json.dumps(m.get("tool_calls", ""))) for m in messages) for _, _, messages, _, _ in self.examples)
        self.assertLess(sizes[len(sizes) * 8 // 10], 1500)

    def test_the_user_message_is_the_profiles_and_the_request(self):
        for _, profiles, messages, _, _ in self.examples:
            text = messages[0]["content"]
            self.assertEqual(text, user_text(profiles, text.split("\n\n")[-1]))

    def test_plans_name_what_exists(self):
        for w, _, messages, _, _ in self.examples:
            plan, call = messages[1]["content"], call_of(messages[1])["name"]
            columns = {}
            for f in w.tables:
                for name, kind, values in zip(f.table.names, f.table.types, f.table.data):
                    columns.setdefault(name, set()).update(tables.cell_text(v) for v in values if v is not None)
            declined = False
            for part in plan.split("; "):
                phrase, target = part.split("=", 1)
                self.assertRegex(phrase, PHRASE)
                if target in ("none", "outside"):
                    declined = True
                elif target not in columns and target != "rows" and target not in w.files:
                    name = max((c for c in columns if target.startswith(c + ":")), key=len, default=None)
                    self.assertIsNotNone(name, plan)
                    value = target[len(name) + 1:]
                    self.assertTrue(value in columns[name] or re.fullmatch(r"-?\d+(\.\d+)?|\d{4}(-\d\d){0,2}", value), plan)
            self.assertEqual(declined, call == "decline", plan)

    def test_the_program_can_spell_every_reply_and_answer(self):
        """Plans, calls and answers under the grammars the agent uses."""
        lines = []
        for w, _, messages, kind, _ in self.examples:
            files = []
            for path in sorted(w.files):
                files.append({"path": path, "columns": w.known[path]})
            example = {"files": files, "first": [], "next": [], "wrong": [], "answers": []}
            names = [c["name"] for f in files for c in f["columns"]]
            for i, m in enumerate(messages):
                if m["role"] != "assistant":
                    continue
                if not m.get("tool_calls"):
                    seen = [messages[0]["content"].split("\n\n")[-1], *[f["path"] for f in files], *names, messages[i - 1]["content"]]
                    example["answers"].append({"seen": seen, "answer": m["content"] + "<106>"})
                    continue
                call = call_of(m)
                arguments = ",".join(f"{k}:<52>{v}<52>" for k, v in sorted(call["arguments"].items()))
                where = "first" if m["content"] else "next"
                if m.get("train") is False:  # a script that fails; what it names in vain, the watch must see
                    if "no column" not in messages[i + 1]["content"]:
                        continue
                    where = "wrong"
                example[where].append(f"{m['content']}<48>call:{call['name']}{{{arguments}}}<49><50>")
            lines.append(json.dumps(example))
        out = subprocess.run([REPLY_CHECK], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout.splitlines()
        self.assertEqual(len(out), len(lines))
        # A few plans link a column's very name to something else, as people do: the watch would not have them say so.
        watched = [p for p in out if p.startswith("the plan is watched")]
        self.assertLess(len(watched), 0.03 * len(out), watched)
        self.assertEqual([p for p in out if p and p not in watched], [])

    def test_profiles_are_what_the_recipe_thinks_of_its_tables(self):
        for w, profiles, _, _, _ in self.examples:
            for f in w.tables:
                self.assertEqual(profiles[f.path], tables.profile(f.path, f.table))


class Texts(unittest.TestCase):
    def test_one_of_many(self):
        for many, one in (("passengers", "passenger"), ("deliveries", "delivery"), ("boxes", "box"), ("buses", "bus"), ("sold loaves", "sold loaf"), ("people", "person"), ("gas", "gas"), ("species", "species"), ("area", "area")):
            self.assertEqual(singular(many), one)

    def test_numbers(self):
        for value, text in ((5076.0163, "5076.02"), (3, "3"), (3.0, "3"), (31.25, "31.25"), (0.12345, "0.1235"), (1234567, "1234567"), (-2.5, "-2.5"), (1.0004, "1"), (float("nan"), ""), (0.00001234, "1.234e-05")):
            self.assertEqual(format_number(value), text)

    def test_what_an_answer_can_say(self):
        for answer, texts in (("Highest: 2014 Q1 (12).", ["highest n: 2014 Q1 12"]), ("3, 5", ["3,5"]), ("v 3.5 %", ["3.49999"]), ("chart-2.png shows 7.", ["chart-2.png: 7"]), ("none", [])):
            self.assertTrue(spellable(answer, texts), answer)
        for answer, texts in (("3 5", ["3, 5"]), ("3", ["4"]), ("35", ["3, 5"]), ("3.5", ["3, 5"]), ("-3", ["3"]), ("x3", ["3"]), ("2014 Q2", ["2014 Q1", "Q2"]), ("area (m²)", ["area (m²)"])):
            self.assertFalse(spellable(answer, texts), answer)

    def test_pictures_beside_other_files_are_not_shown(self):
        self.assertEqual(user_text({"a.csv": "a.csv: 1 row", "b.png": "b.png: PNG picture, 9 bytes"}, "hi"), "a.csv: 1 row\n\nhi")
        self.assertEqual(user_text({"b.png": "b.png: PNG picture, 9 bytes"}, "hi"), "b.png: PNG picture, 9 bytes\n\nhi")

    def test_only_twelve_files_are_described(self):
        text = user_text({f"f{i:02d}.txt": f"f{i:02d}.txt: text file" for i in range(14)}, "hi")
        self.assertIn("f11.txt: text file\n\nf12.txt\n\nf13.txt\n\nhi", text)


if __name__ == "__main__":
    if not REPLY_CHECK:
        sys.exit(__doc__)
    unittest.main(argv=sys.argv[:1])
