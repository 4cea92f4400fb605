#!/usr/bin/env python3
"""`tessera listen` with a microphone that ALSA reads from a file: what it hears is what `tessera transcribe` reads. argv: the program."""
import json
import os
import pty
import subprocess
import sys
import tempfile
import unittest
import wave
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "tiny"
MODEL = ["--model", str(GOLDEN / "tiny-f32.gguf")]
EARS = ["--mmproj", str(GOLDEN / "mmproj-f32.gguf")]


class Listen(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        top = Path(self.folder.name)
        with wave.open(str(GOLDEN / "media" / "speech_7777.wav")) as speech:
            said = speech.readframes(speech.getnframes())
        with wave.open(str(top / "second.wav"), "wb") as second:
            second.setparams((1, 2, 16000, 0, "NONE", ""))
            second.writeframes((said * 3)[:32000])
        (top / "spoken.raw").write_bytes(said * 40)
        (top / "asound.conf").write_text(
            f'pcm.spoken {{ type file slave.pcm {{ type null }} file "/dev/null" infile "{top}/spoken.raw" format "raw" }}\npcm.silent {{ type null }}\n')
        self.environment = {**os.environ, "ALSA_CONFIG_PATH": str(top / "asound.conf")}
        self.top = top

    def tearDown(self):
        self.folder.cleanup()

    def tessera(self, *words):
        return subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, env=self.environment, capture_output=True, text=True, timeout=120)

    def test_it_hears_what_a_recording_says(self):
        heard = self.tessera("listen", *MODEL, *EARS, "--device", "spoken", "--seconds", "1", "--json")
        self.assertEqual(heard.returncode, 0, heard.stderr)
        read = json.loads(self.tessera("transcribe", *MODEL, *EARS, "--json", str(self.top / "second.wav")).stdout)
        self.assertEqual(json.loads(heard.stdout), {"text": read["text"], "seconds": 1})
        self.assertNotEqual(read["text"], "")
        with_words = self.tessera("listen", *MODEL, *EARS, "--device", "spoken", "--seconds", "1", "--json", "--words", "Chur, Bern")
        self.assertNotEqual(json.loads(with_words.stdout)["text"], read["text"], "the model is not told the words")

    def test_no_sound_no_microphone_no_ears(self):
        for words, said in ((["--device", "silent"], "muted"), (["--device", "nobody"], "arecord -L")):
            done = self.tessera("listen", *MODEL, *EARS, "--seconds", "1", *words)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
            self.assertIn(said, done.stderr)
        deaf = self.tessera("listen", *MODEL, "--device", "spoken")
        self.assertEqual(deaf.returncode, 2)
        self.assertIn("does not hear", deaf.stderr)

    def test_enter_begins_and_ends(self):
        keyboard, terminal = pty.openpty()
        process = subprocess.Popen([PROGRAM, "listen", *MODEL, *EARS, "--device", "spoken", "--seconds", "600", "--json"], stdin=terminal,
                                   env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("Enter begins", process.stderr.readline())
        os.write(keyboard, b"\n\n")  # the null device waits for nobody: a second Enter ends it at once, or nearly so
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            os.close(keyboard)
            os.close(terminal)
        # Ended before anything was read, or after some of it.
        self.assertIn(process.returncode, (0, 2), err)
        if process.returncode == 0:
            self.assertLess(json.loads(out)["seconds"], 600)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
