"""Ignores every signal that can be ignored and sleeps."""
import signal
import time

for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
print("started", flush=True)
while True:
    time.sleep(1000)
