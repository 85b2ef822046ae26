#!/usr/bin/env python3
"""Simulates power cuts: nothing that the store has acknowledged may be lost.

A writing process runs under strace, which records every write and every sync of its files. For a number of random
moments the files are rebuilt as a power cut at that moment may have left them: what was synced before is there; of what
was not, nothing is (`dropped`), or what came before some write, which is torn itself (`ordered`), or any part, torn at
any sector (`torn`); sync_file_range promises nothing; renames and removals are there up to a random one since the
directory was last synced. Then the store is opened on them and must hold all that was acknowledged
before that moment, whole. Each round goes on from the last wreck of the round before.

    tests/store/power_cut.py [--rounds N] [--cuts N] [--seconds S] [--seed N]
    tests/store/power_cut.py --unsynced     the writer does not sync: losses must be found, or this test is worth nothing
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SECTOR = 512
CALLS = "pwrite64,write,fdatasync,fsync,ftruncate,rename,unlink,unlinkat,openat"
LINE = re.compile(r"^(\d+)\s+(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
RESULT = re.compile(r"=\s+(-?\d+)(?:<[^>]*>)?(?:\s.*)?$")
FD = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


class Inode:
    """A file: what is surely on the disk, and what was asked for since."""

    def __init__(self, content=b""):
        self.durable = bytearray(content)
        self.pending = []
        self.end = len(content)

    @staticmethod
    def apply(content, operation):
        kind, at, data = operation
        if kind == "truncate":
            del content[at:]
            content.extend(bytes(at - len(content)))
            return
        content.extend(bytes(max(0, at + len(data) - len(content))))
        content[at:at + len(data)] = data

    def synced(self, count):
        for operation in self.pending[:count]:
            self.apply(self.durable, operation)
        del self.pending[:count]

    @staticmethod
    def sectors(at, length):
        """Where the parts of a range begin that a disk writes as a whole."""
        return sorted({at, *range(at - at % SECTOR + SECTOR, at + length, SECTOR)})

    def after_a_cut(self, dice, mode):
        content = bytearray(self.durable)
        pending = self.pending
        if mode == "dropped":
            pending = []
        elif mode == "ordered":
            pending = pending[:dice.randint(0, len(pending))]
        for place, operation in enumerate(pending):
            kind, at, data = operation
            torn = kind == "write" and (dice.random() < 0.3 if mode == "torn" else place == len(pending) - 1)
            if torn:
                end = at + dice.randint(0, len(data))
                for start in self.sectors(at, len(data)):
                    if dice.random() < 0.5 if mode == "torn" else start < end:
                        stop = min(start - start % SECTOR + SECTOR, at + len(data))
                        self.apply(content, (kind, start, data[start - at:stop - at]))
            elif mode == "ordered" or dice.random() < 0.5:
                self.apply(content, operation)
        return content


class Disk:
    """The data directory as the trace makes it."""

    def __init__(self, directory):
        self.directory = directory
        self.live = {}
        for name in os.listdir(directory) if os.path.isdir(directory) else []:
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    self.live[name] = Inode(file.read())
        self.named = dict(self.live)
        self.moves = []
        self.acknowledged = 0
        self.under_way = {}

    def name(self, path):
        path = path.decode(errors="replace")
        inside = os.path.dirname(path) == self.directory
        return os.path.basename(path) if inside else None

    def feed(self, line):
        found = LINE.match(line)
        if not found:
            return
        thread, resumed, _, call, rest = found.groups()
        if resumed:
            finish = self.under_way.pop(thread, None)
        else:
            finish = self.begin(call, rest)
            if "<unfinished ...>" in rest:
                self.under_way[thread] = finish
                return
        result = RESULT.search(line)
        if finish and result and int(result.group(1)) >= 0:
            finish()

    def begin(self, call, rest):
        """Takes note of a call; gives what is to be done when it has succeeded."""
        strings = [unhex(text) for text in STRING.findall(rest)]
        descriptor = FD.match(rest)
        path = unhex(descriptor.group(2)) if descriptor else b""
        if call == "write" and descriptor and descriptor.group(1) == "1":
            # What has been handed to the outside counts from the attempt on.
            for number in re.findall(rb"acknowledged (\d+)", strings[0] if strings else b""):
                self.acknowledged = max(self.acknowledged, int(number))
            return None
        if call == "openat":
            name = self.name(strings[0]) if strings else None
            if name and "O_CREAT" in rest:
                return lambda: self.create(name, "O_TRUNC" in rest)
        elif call == "rename":
            names = [self.name(path) for path in strings]
            if len(names) == 2 and all(names):
                return lambda: self.move(*names)
        elif call in ("unlink", "unlinkat"):
            name = self.name(strings[0]) if strings else None
            return name and (lambda: self.move(name, None))
        elif path.decode(errors="replace") == self.directory:
            if call == "fsync":
                known = len(self.moves)
                return lambda: self.settle(known)
        elif self.name(path) in self.live:
            inode = self.live[self.name(path)]
            return self.begin_on(inode, call, rest, strings)
        return None

    def begin_on(self, inode, call, rest, strings):
        if call in ("fdatasync", "fsync"):
            covered = len(inode.pending)
            return lambda: inode.synced(covered)
        if call == "pwrite64":
            at = int(re.search(r",\s*(\d+)(?:\)| <unfinished)", rest[rest.rindex('"'):].split(",", 1)[1]).group(1))
            return lambda: inode.pending.append(("write", at, strings[0]))
        if call == "write":
            at = inode.end
            inode.end += len(strings[0])
            return lambda: inode.pending.append(("write", at, strings[0]))
        if call == "ftruncate":
            length = int(re.search(r">,\s*(\d+)", rest).group(1))
            return lambda: inode.pending.append(("truncate", length, b""))
        return None

    def create(self, name, anew):
        if anew or name not in self.live:
            self.live[name] = Inode()
            self.moves.append((None, name, self.live[name]))

    def move(self, name, target):
        inode = self.live.pop(name, None)
        if inode:
            self.moves.append((name, target, inode))
            if target:
                self.live[target] = inode

    def settle(self, count):
        self.named = self.names_after(count)
        del self.moves[:count]

    def names_after(self, count):
        names = dict(self.named)
        for name, target, inode in self.moves[:count]:
            names.pop(name, None)
            if target:
                names[target] = inode
        return names

    def wreck(self, directory, dice, mode):
        os.makedirs(directory)
        for name, inode in self.names_after(dice.randint(0, len(self.moves))).items():
            with open(os.path.join(directory, name), "wb") as file:
                file.write(inode.after_a_cut(dice, mode))


def skip(why):
    print(f"skipped: {why}")
    sys.exit(0)


def test_binary():
    build = subprocess.run(["cargo", "test", "--test", "store", "--no-run"], capture_output=True, text=True)
    found = re.search(r"\((\S*/store-\S+)\)", build.stderr)
    if build.returncode or not found:
        sys.exit(f"cannot build the writer:\n{build.stderr}")
    return os.path.abspath(found.group(1))


def run_writer(binary, data, trace, seconds, unsynced):
    environment = dict(os.environ, HOLDFAST_TEST_VICTIM=data)
    if unsynced:
        environment["HOLDFAST_TEST_UNSYNCED"] = "1"
    command = ["strace", "-f", "-y", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-o", trace,
               binary, "kill::victim", "--exact", "--ignored", "--nocapture", "--test-threads=1"]
    # Through a pipe that is read: a full one would stop the writer.
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, start_new_session=True)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return
    sys.exit("the writer ended by itself")


def survives(binary, wreck, acknowledged):
    environment = dict(os.environ, HOLDFAST_TEST_SURVIVOR=wreck, HOLDFAST_TEST_ACKNOWLEDGED=str(acknowledged),
                       RUST_BACKTRACE="0")
    result = subprocess.run([binary, "kill::survivor", "--exact", "--ignored"], env=environment, capture_output=True, text=True)
    if "1 passed" not in result.stdout and result.returncode == 0:
        sys.exit("the check did not run")
    words = [line for line in result.stdout.splitlines() if "acknowledged" in line or "CannotOpen" in line]
    return result.returncode == 0, (words or [result.stdout[-400:]])[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cuts", type=int, default=12, help="in each round")
    parser.add_argument("--seconds", type=float, default=1.5, help="of writing in each round")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--unsynced", action="store_true")
    parser.add_argument("--model", nargs="+", choices=["dropped", "ordered", "torn"], default=["dropped", "ordered", "torn"])
    options = parser.parse_args()

    if not shutil.which("strace"):
        skip("strace is not installed (apt-get install strace)")
    if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode:
        skip("strace may not trace here (it needs ptrace)")
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    binary = test_binary()
    dice = random.Random(options.seed)
    print(f"seed {options.seed}")
    cuts = losses = 0
    with tempfile.TemporaryDirectory() as place:
        place = os.path.realpath(place)
        data, trace, wreck = (os.path.join(place, name) for name in ("data", "trace", "wreck"))
        for _ in range(options.rounds):
            disk = Disk(data)
            run_writer(binary, data, trace, options.seconds, options.unsynced)
            with open(trace, errors="replace") as lines:
                lines = lines.readlines()
            first = next((at for at, line in enumerate(lines) if ", \"" in line and " write(1<" in line
                          and b"acknowledged" in b"".join(map(unhex, STRING.findall(line)))), None)
            if first is None:
                sys.exit("the writer acknowledged nothing; give it more --seconds")
            moments = sorted(dice.sample(range(first + 1, len(lines)), min(options.cuts, len(lines) - first - 1)))
            for at, line in enumerate(lines):
                disk.feed(line)
                if moments and at == moments[0]:
                    moments.pop(0)
                    shutil.rmtree(wreck, ignore_errors=True)
                    mode = dice.choice(options.model)
                    disk.wreck(wreck, dice, mode)
                    sound, words = survives(binary, wreck, disk.acknowledged)
                    cuts += 1
                    losses += not sound
                    print(f"{mode}: cut after call {at}, {disk.acknowledged} acknowledged: {'sound' if sound else words}")
            # Go on from a wreck, and from nothing if even that is lost.
            shutil.rmtree(data)
            if sound:
                shutil.move(wreck, data)
    print(f"{cuts} cuts, {losses} of them lost something")
    if options.unsynced:
        sys.exit("no cut lost anything although nothing was synced: this test cannot fail" if not losses else 0)
    sys.exit(1 if losses or not cuts else 0)


main()
