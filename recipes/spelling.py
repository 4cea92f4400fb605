"""What an answer can spell: the rule of agent/numbers.cpp and agent/answer_grammar.cpp, said again.

The grammar of an answer offers the numbers and the words with digits of the request, of the names of files and columns, and
of the observation. An example whose answer needs another one could not be said by the program.
"""
import re
import unicodedata

MOST = 400
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
BEFORE = "[ \\n(\"'$€£#~≈“‘:=<>±\\[]"


def collect(text, items):
    """Adds what `text` offers to the ordered set `items`."""
    before, ended = "", -1
    for found in re.finditer(r"[^\s,]+", text):
        if len(items) >= MOST:
            return
        word = found[0].lstrip("\"'([{<:;")
        start = found.end() - len(word)
        word = word.rstrip("\"')]}>:;.!?%")
        previous, stood = before, ended
        before, ended = "", start + len(word)
        if not re.search("[0-9]", word):
            continue
        before = word
        plain = NUMBER.fullmatch(word)
        if previous and stood + 1 == start and text[stood] == " " and not (plain and NUMBER.fullmatch(previous)):
            add(items, f"{previous} {word}")
        add(items, word)
        if plain and "." in word:
            for decimals in (2, 1, 0):
                rounded = f"{float(word):.{decimals}f}"
                if float(rounded) != 0 or float(word) == 0:
                    add(items, rounded)


def add(items, word):
    if len(word.encode()) <= 64:
        items[word] = True


def spellable(answer, texts):
    """Whether an answer can be said after these texts."""
    items = {}
    for text in texts:
        collect(text, items)
    at = 0
    by_length = sorted(items, key=len, reverse=True)
    while True:
        # A digit of any script; the ² of "m²" is one, too.
        digit = next((i for i in range(at, len(answer)) if unicodedata.category(answer[i])[0] == "N"), None)
        if digit is None:
            return True
        # The item begins at or before this digit and after a mark; the longest that fits is taken.
        for start in range(at + 1 if at else 0, digit + 1):
            if start > 0 and not re.match(BEFORE, answer[start - 1]):
                continue
            end = next((start + len(i) for i in by_length if answer.startswith(i, start) and start + len(i) > digit and not re.match(r"[\w]", answer[start + len(i):start + len(i) + 1])), None)
            if end:
                break
        else:
            return False
        at = end + 1
