"""A server whose model is a list of replies (tests/server/scripted_server.cpp), and where the clients are."""
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

CLIENTS = Path(os.environ.get("TESSERA_CLIENTS", Path(__file__).resolve().parents[3] / ".deps" / "clients"))
QUOTE = '<|"|>'


def skip(why):
    print(f"skipped: {why} (setup/fetch-clients)")
    sys.exit(77)


def call(name, /, **arguments):
    """A call as Gemma writes it; strings only."""
    inside = ",".join(f"{key}:{QUOTE}{arguments[key]}{QUOTE}" for key in sorted(arguments))
    return f"<|tool_call>call:{name}{{{inside}}}<tool_call|>"


def thought(text):
    return f"<|channel>thought\n{text}<channel|>"


WAIT = "<|tool_response>"  # the model stops for the results of its calls
END = "<turn|>"


class Server:
    def __init__(self, program, folder, rules, context=32768):
        folder = Path(folder)
        self.log_path = folder / "requests.jsonl"
        self.log_path.unlink(missing_ok=True)
        (folder / "rules.json").write_text(json.dumps(rules))
        self.process = subprocess.Popen([program, str(folder / "rules.json"), str(self.log_path), str(context)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def requests(self):
        # The last line may be on its way.
        return [json.loads(line) for line in self.log_path.read_text().splitlines(True) if line.endswith("\n")]

    def n_requests(self):
        return self.log_path.read_bytes().count(b"\n") if self.log_path.exists() else 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(20) == 0, "the server did not end well"


def check_history(requests):
    """Each call in a request's history has its own id and, but for the last message's, exactly one result."""
    for request in requests:
        made, answered = [], []
        for message in request["messages"]:
            made += [one["id"] for one in message["calls"]]
            if message["role"] == "tool":
                answered.append(message["call_id"])
        assert len(set(made)) == len(made), f"two calls with one id: {made}"
        assert sorted(made) == sorted(answered), f"calls {made}, results {answered}"


def main(*tests):
    failed = 0
    for test in tests:
        try:
            test()
            print("ok", test.__name__)
        except Exception as error:  # told with the test's name, the others go on
            failed += 1
            print("FAILED", test.__name__, "-", type(error).__name__, error)
            traceback.print_exc()
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(failed > 0)
