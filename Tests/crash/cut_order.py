#!/usr/bin/env python3
"""Why the campaign kills first and cuts the power then.

A plain program writes and syncs, again and again, on an ext4 that is shut down (EXT4_IOC_SHUTDOWN) at a random moment. Who is
alive at that moment can be told that a sync has succeeded which has not: fdatasync(2) answers 0, and the bytes are not there.
That happens to files that grow, whose new blocks the file system has to note in its journal. With the power the processor
stops as well: a cut has to find the program dead. Says in how many of the cuts something was lost that was synced; fails if
that is so when the program was killed first.
"""

import argparse
import mmap
import os
import random
import signal
import struct
import sys
import time

import powercut
from support import say, work_folder

BLOCK = 4096
BLOCKS = 4096


def content(number):
    return bytes([1 + number % 200]) * BLOCK


def write_and_sync(path, synced):
    """Does nothing else until it is killed, or told that the medium fails; `synced` says how many blocks were."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        for number in range(BLOCKS):
            os.pwrite(descriptor, content(number), number * BLOCK)
            os.fdatasync(descriptor)
            synced[:8] = struct.pack("q", number + 1)
    except OSError:
        pass
    finally:
        os._exit(0)


def lost(disk, dice, grows, kill_first):
    """One cut: whether something was lost that was synced."""
    path = os.path.join(disk.path, "file")
    with open(path, "wb") as file:
        if not grows:
            file.write(bytes(BLOCK * BLOCKS))
        file.flush()
        os.fsync(file.fileno())
    with mmap.mmap(-1, mmap.PAGESIZE) as synced:
        child = os.fork()
        if child == 0:
            write_and_sync(path, synced)
        # Awaits nothing: draws the moment of the cut, which has to fall anywhere within a sync.
        time.sleep(dice.uniform(0.02, 0.08))
        if kill_first:
            os.kill(child, signal.SIGKILL)
        disk.cut()
        # One that lives learns of the cut, at the latest from its next write.
        os.waitpid(child, 0)
        count, = struct.unpack("q", synced[:8])
    disk.power_up()
    with open(path, "rb") as file:
        return any(file.read(BLOCK) != content(number) for number in range(count))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args()
    if powercut.hindrance():
        say(f"skipped: power cuts: {powercut.hindrance()}")
        return 0
    say(f"seed {options.seed}")
    dice = random.Random(options.seed)
    disk = powercut.Disk(work_folder("cut-order"))
    failed = False
    for kill_first in (False, True):
        for grows in (True, False):
            count = sum(lost(disk, dice, grows, kill_first) for _ in range(options.cuts))
            failed = failed or kill_first and count > 0
            say(f"{'the kill first' if kill_first else 'the cut first'}, "
                f"{'a file that grows' if grows else 'blocks that were written before'}: "
                f"{count} of {options.cuts} cuts lost something")
    return 1 if failed else 0


sys.exit(main())
