#!/usr/bin/env python3
"""Disks that fail and fill up, under the real daemon: no `queued` that is not kept, the word is `disk-full`, the live
traffic goes on, and the daemon starts again afterwards and goes on.
"""

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import zlib

import powercut
from bridge import Bridge
from broker import Broker
from modem import Modem
from support import at_end, find, say, until, work_folder


# Seconds for megabytes of messages at the pace of a line of 115,200 baud, on a busy machine.
PATIENCE = 400


class Bench:
    """Broker, modem and daemon for one case, and one program that asks and waits for each answer."""

    def __init__(self, name, folder=None, launcher=(), max_bytes=1 << 30):
        self.name = name
        self.folder = work_folder(name)
        self.broker = Broker(self.folder)
        self.modem = Modem(self.folder, self.broker.port, 1)
        self.bridge = Bridge(
            self.folder, self.modem.link, os.path.join(folder or self.folder, "outbox.db"), max_bytes, launcher)
        self.count = 0
        self.promised = []
        self.receipts = []
        self.refused = []

    def offer(self, count, size, keyed=None):
        """So many messages one after the other, each third with a key unless told; the words of the refusals."""
        words = []
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(30)
            channel.connect(self.bridge.socket_path)
            answers = channel.makefile("rb")
            for _ in range(count):
                self.count += 1
                token, pad = f"{self.name}-{self.count}", "x" * size
                request = {"method": "thing.event.property.post",
                           "params": {"token": token, "crc": zlib.crc32(pad.encode()), "pad": pad}}
                if self.count % 3 == 0 if keyed is None else keyed:
                    # With a key it cannot go the short way.
                    request = {"bridge": "publish", "message": request, "key": token}
                channel.sendall(json.dumps(request).encode() + b"\n")
                answer = json.loads(answers.readline())
                if answer["status"] == "queued":
                    self.promised.append(token)
                    check(answer["receipt"] not in self.receipts, f"receipt {answer['receipt']} is given out once")
                    self.receipts.append(answer["receipt"])
                else:
                    self.refused.append(token)
                    words.append(answer["error"])
        return words

    def arrived(self):
        return {token for _, token, _, _ in self.broker.arrivals()}

    def online(self):
        until("online", 40, lambda: self.bridge.state() == "online", pause=0.05)

    def delivered(self, seconds=60):
        until("all that was promised is at the broker", seconds, lambda: self.arrived() >= set(self.promised), pause=0.2)

    def drained(self, seconds=120):
        until("nothing waits", seconds, lambda: self.bridge.status()["outbox"]["waiting"] == 0, pause=0.2)

    def finish(self):
        """A new daemon, without the fault: what was promised is there, and new messages are taken and delivered."""
        self.bridge.start(launcher=())
        self.bridge.wait_ready()
        self.online()
        self.drained()
        self.delivered()
        check(self.offer(5, 50) == [], "messages are taken again after a restart")
        self.delivered()
        self.drained()
        check(self.bridge.stop() == 0, "SIGTERM ends it with 0")
        balanced, words = self.bridge.verify()
        check(balanced, f"the books balance: {words}")
        self.modem.program.end()
        self.broker.end()
        say(f"{self.name}: {len(self.promised)} queued and delivered, {len(self.refused)} refused")


def check(holds, text):
    if not holds:
        raise AssertionError(f"not so: {text}")


# What fails, from which call of each kind on and up to which, and whether messages have to be refused. A message by itself is
# written by io_submit into the staging file; fdatasync is what a commit waits for.
FAILURES = (
    ("everything, a while", "fdatasync,fsync,io_submit", 30, 45, True),
    ("everything, for ever", "fdatasync,fsync,io_submit", 40, None, True),
    ("commits, a while", "fdatasync,fsync", 20, 35, False),
    ("commits, for ever", "fdatasync,fsync", 20, None, True),
    ("the staging file", "io_submit", 30, None, False),
)


def failing_calls(words):
    """The disk fails (EIO or ENOSPC): nothing that was answered `queued` may be missing."""
    if find("strace") is None:
        return say("skipped: failing system calls: strace is not installed")
    for error in words:
        for what, calls, first, last, refuses in FAILURES:
            when = f"{first}..{last}" if last else f"{first}+"
            launcher = (find("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
                        "-e", f"inject={calls}:error={error}:when={when}")
            name = f"{error}, {what}"
            bench = Bench(name.lower().replace(", ", "-").replace(" ", "-"), launcher=launcher)
            bench.bridge.start()
            try:
                bench.bridge.wait_ready()
            except RuntimeError as problem:
                if "ptrace" in str(problem).lower() or "not permitted" in str(problem).lower():
                    return say("skipped: failing system calls: ptrace is not permitted here")
                raise
            refusals = bench.offer(200, 100)
            check(set(refusals) <= {"disk-full"}, f"{name}: refused as disk-full: {set(refusals)}")
            check(bool(refusals) or not refuses, f"{name}: some were refused")
            check(bench.promised, f"{name}: some were taken before")
            if last:
                check(bench.offer(5, 100) == [], f"{name}: messages are taken again once the disk is well")
            # The live traffic goes on: what was promised is delivered although nothing can be written.
            bench.online()
            bench.delivered()
            kill_traced(bench)
            bench.finish()


def refused_and_killed():
    """A message is refused because its sync failed, and stands in SQLite's log all the same; then comes one by itself, and then
    the kill. What the log says must not take the place of what was promised."""
    if find("strace") is None:
        return say("skipped: a refusal and a kill: strace is not installed")
    launcher = (find("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                "-e", "inject=fdatasync:error=EIO:when=30..30")
    bench = Bench("refused-and-killed", launcher=launcher)
    bench.bridge.start()
    bench.bridge.wait_ready()
    until("a refusal", 20, lambda: bench.offer(1, 100, keyed=True), pause=0)
    check(bench.offer(1, 100, keyed=False) == [], "the next message is taken")
    kill_traced(bench)
    bench.finish()


def sync_before_staging():
    """What a killed process wrote into SQLite's log is synced before the staging file, which has it too, is used again."""
    if find("strace") is None:
        return say("skipped: the order of syncs: strace is not installed")
    folder = work_folder("order")
    trace = os.path.join(folder, "trace")
    launcher = (find("strace"), "-f", "-qq", "-y", "-o", trace, "-e", "trace=fsync,fdatasync,io_submit")
    bench = Bench("order", launcher=launcher)
    for _ in range(2):
        bench.bridge.start()
        bench.bridge.wait_ready()
        # The last one has a key: then nothing is left to be brought into the database, which would be a sync, too.
        bench.offer(6, 100)
        kill_traced(bench)
    with open(trace) as file:
        calls = [line.split(maxsplit=1)[1] for line in file]
    first = next(place for place, call in enumerate(calls) if "io_submit(" in call)
    check(any("sync(" in call and "outbox.db-wal" in call for call in calls[:first]),
          f"the log is synced first: {calls[:first]}")
    bench.finish()


def unreadable_block(block, name, place, damaged):
    """A block of the staging file cannot be read after a crash: it costs its own message, which is counted, and no other.

    The file's first block says whose it is; each of the others that are in use has a message. Behind the last one that can be
    read up to 16 may have been, whose receipts are not given out again.
    """
    if find("strace") is None:
        return say("skipped: a block that cannot be read: strace is not installed")
    bench = Bench(name)
    bench.modem.order("ap down")
    bench.bridge.start()
    bench.bridge.wait_ready()
    until("a staging file", 20, lambda: os.path.exists(bench.bridge.database + "-staged"))
    bench.offer(1, 100, keyed=True)
    check(bench.offer(5, 100, keyed=False) == [], "messages are taken")
    bench.bridge.kill()
    bench.bridge.start(launcher=(find("strace"), "-f", "-qq", "-o", "/dev/null", "-P", bench.bridge.database + "-staged",
                                 "-e", "trace=pread64", "-e", f"inject=pread64:error=EIO:when={block}"))
    bench.bridge.wait_ready()
    check("does not give back a block" in bench.bridge.child.said(), "the journal says so")
    outbox = bench.bridge.status()["outbox"]
    check(outbox["dropped"]["damaged"] == damaged and outbox["waiting"] == 5, f"one message is missing: {outbox}")
    lost = bench.promised.pop(place)
    kill_traced(bench)
    bench.modem.order("ap up")
    bench.finish()
    check(lost not in bench.arrived(), f"it was number {place} of them")


def kill_traced(bench):
    """SIGKILL for the daemon; strace ends with it."""
    tracer = bench.bridge.child.pid
    with open(f"/proc/{tracer}/task/{tracer}/children") as children:
        os.kill(int(children.read().split()[0]), signal.SIGKILL)
    bench.bridge.child.wait()


def small_disk(size=1000, megabytes=4):
    """A file system that fills up, by our own messages and then by somebody else's file."""
    if os.geteuid() != 0:
        return say("skipped: a small file system of its own: mounting takes root's rights")
    folder = work_folder("small-disk")
    if subprocess.run([find("mount"), "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
                      stderr=subprocess.DEVNULL, check=False).returncode:
        return say("skipped: a small file system of its own: mounting is not permitted here")
    at_end.append(lambda: subprocess.run([find("umount"), "-l", folder], check=False))
    bench = Bench("full-disk", folder)
    bench.modem.order("ap down")
    bench.bridge.start()
    bench.bridge.wait_ready()
    refusals = bench.offer((megabytes << 20) // size, size)
    check(set(refusals) == {"disk-full"}, f"a full disk refuses as disk-full: {set(refusals)}")
    check(len(bench.promised) * size > megabytes << 19, f"half of the disk was used: {len(bench.promised)} messages")
    check(bench.bridge.status()["outbox"]["waiting"] == len(bench.promised), "what was promised waits")
    # Not a byte is left: what waits is delivered all the same, and that makes room.
    filler = os.path.join(folder, "filler")
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    check(set(bench.offer(3, size)) == {"disk-full"}, "with not a byte left messages are refused")
    bench.bridge.kill()
    bench.bridge.start()
    try:
        bench.bridge.wait_ready()
        say("full-disk: it starts on a disk without a byte left")
        bench.modem.order("ap up")
        bench.online()
        bench.delivered(PATIENCE)
        bench.bridge.kill()
    except RuntimeError as problem:
        # It may refuse to start, in words; then it has to start once there is room.
        check("cannot" in str(problem), f"it says why it does not start: {problem}")
        say(f"full-disk: without a byte left it does not start: {str(problem).splitlines()[-1]}")
    bench.modem.order("ap up")
    os.unlink(filler)
    bench.finish()


def disk_gone():
    """The disk goes away under the running daemon, and comes back with the next start."""
    if powercut.hindrance():
        return say(f"skipped: a disk that goes away: {powercut.hindrance()}")
    disk = powercut.Disk(work_folder("disk-gone-medium"))
    bench = Bench("disk-gone", disk.path)
    bench.bridge.start()
    bench.bridge.wait_ready()
    bench.online()
    check(bench.offer(30, 100) == [], "messages are taken before")
    bench.delivered()
    bench.modem.order("ap down")
    check(bench.offer(30, 100) == [], "messages are taken while there is no network")
    disk.cut()
    # Nothing is under way at the cut (see cut_order.py), so there is no doubt about any answer.
    for keyed in (False, True):
        refusals = bench.offer(10, 100, keyed=keyed)
        check(refusals == ["disk-full"] * 10, f"without a disk nothing is taken: {refusals}")
    check(bench.bridge.child.is_running(), "it lives on")
    bench.modem.order("ap up")
    bench.online()
    status = bench.bridge.status()
    check("store something failed" in status["why"] and "dmesg" in status["why"], f"it says so: {status['why']}")
    if status["outbox"]["waiting"]:
        until("the journal says that the rest cannot be read", 10,
              lambda: "cannot be read from the disk" in bench.bridge.child.said())
    bench.bridge.kill()
    disk.power_up()
    bench.finish()
    check(not bench.arrived() & set(bench.refused), "what was refused was not delivered")


def file_limit(bytes_=1 << 20):
    """The same without root's rights: no file may grow past a limit (RLIMIT_FSIZE), and writes fail with EFBIG."""
    bench = Bench("file-limit")
    bench.modem.order("ap down")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, before[1]))
    try:
        bench.bridge.start(ignore_file_limit=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    bench.bridge.wait_ready()
    refusals = bench.offer(2500, 1000)
    check(refusals and set(refusals) == {"disk-full"}, f"a file at its limit refuses as disk-full: {set(refusals)}")
    check(bench.bridge.status()["outbox"]["waiting"] == len(bench.promised), "what was promised waits")
    bench.modem.order("ap up")
    bench.online()
    bench.delivered(PATIENCE)
    check(bench.bridge.child.is_running(), "it lives on")
    bench.bridge.kill()
    bench.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one error of the two")
    options = parser.parse_args()
    failing_calls(("EIO",) if options.short else ("EIO", "ENOSPC"))
    refused_and_killed()
    sync_before_staging()
    unreadable_block(3, "unreadable-block", place=2, damaged=1)
    unreadable_block(6, "unreadable-last-block", place=5, damaged=16)
    small_disk()
    disk_gone()
    file_limit()
    return 0


sys.exit(main())
