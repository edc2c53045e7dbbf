"""The program of every step in the test of runs: says that it begins, works, says that it ends.

beacon.py FILE TAG TOWER STEP DIRECTION SECONDS FAILS    one step, or its way back
beacon.py FILE TOWER STEP                                exit 0 if that step ended last there
"""

import os
import secrets
import sys
import time


def say(path, *words):
    line = " ".join(map(str, words)) + "\n"
    to = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(to, line.encode())
    os.fsync(to)
    os.close(to)


def burn(path, *words):
    tag, tower, step, direction, seconds, fails = words
    token = secrets.token_hex(8)
    say(path, tag, tower, step, direction, token, "begin")
    time.sleep(float(seconds))
    say(path, tag, tower, step, direction, token, "end")
    return 1 if fails == "true" and direction == "do" else 0


def burnt(path, tower, step):
    with open(path) as file:  # noqa: PTH123  pathlib takes longer than the step
        of_tower = [words for words in map(str.split, file) if words[1] == tower]
    return 0 if of_tower and of_tower[-1][2:4] + of_tower[-1][5:] == [step, "do", "end"] else 1


if __name__ == "__main__":
    sys.exit(burn(*sys.argv[1:]) if len(sys.argv) > 4 else burnt(*sys.argv[1:]))
