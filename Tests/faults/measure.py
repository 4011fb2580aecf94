"""One fault in one mode: injected under traffic, and what came of it."""
import re
import time

from lab import Lab, Trouble, until

PUBLISH_PAUSE = 0.25   # four messages a second; the platform takes ten
GAP = 1.5              # without a delivery for so long, service is interrupted; what waits goes in bursts, a second apart
CALM = 8.0             # with deliveries for so long, it is back
DRAIN = 60.0


class Result:
    def __init__(self, fault, mode):
        self.fault, self.mode = fault, mode
        self.noticed = self.back = None
        self.reasons, self.lines, self.journal = [], 0, []
        self.queued, self.lost, self.twice, self.damaged = 0, [], 0, 0
        self.trouble = ""

    @property
    def passed(self):
        if self.damaged and not self.fault.damages:
            return False
        return not self.trouble and not self.lost and self.back is not None


def measure(fault, mode, seed=1, tls=False):
    result = Result(fault, mode)
    lab = None
    try:
        lab = Lab(mode, remember=fault.remember, seed=seed, tls=tls)
        lab.wait_online()
        program = lab.publish("n", PUBLISH_PAUSE)
        if not until(30, lambda: len(program.delivered) >= 12):
            raise Trouble("no message is delivered: " + lab.last_words())
        inject(fault, lab, program, result)
    except (Trouble, OSError) as error:
        result.trouble = f"{type(error).__name__}: {error}"
    finally:
        if lab:
            result.journal = [line for _, line in lab.journal]
            lab.close()
    return result


def inject(fault, lab, program, result):
    began = time.monotonic()
    for order in fault.orders:
        lab.order(order)
    if fault.mend:
        watch(lab, result, began + fault.after)
        for order in fault.mend:
            lab.order(order)
    mended = time.monotonic() if fault.mend else began
    result.back = settle(fault, lab, program, result, began, mended)
    ended = time.monotonic()
    said = [(when, line) for when, line in list(lab.journal) if began <= when <= ended]
    result.lines = len(said)
    result.noticed = said[0][0] - began if said else None
    program.stop()
    if result.back is not None:
        until(DRAIN, lambda: len(program.delivered) >= len(program.queued), 0.2)
        time.sleep(0.5)
        result.lost = lab.lost()
        # A bit that flips in a payload is seen by nobody: UART and MQTT have no checksum, and TCP's covers what the module got.
        result.damaged = lab.damaged()
        if fault.damages:
            result.lost = result.lost[result.damaged:]
    result.queued = lab.queued()
    result.twice = sum(count - 1 for count in lab.arrived.values())


def watch(lab, result, end):
    """Notes the reasons that `status` gives, until a moment."""
    while time.monotonic() < end:
        note(lab, result)
        time.sleep(0.2)


def note(lab, result):
    word = lab.status().get("reason_word")
    if word and (not result.reasons or result.reasons[-1] != word):
        result.reasons.append(word)


def settle(fault, lab, program, result, began, mended):
    """Waits until messages have been delivered without a gap for a while; when that began, from the end of the fault."""
    limit = mended + fault.limit + CALM
    while True:
        now = time.monotonic()
        note(lab, result)
        times = sorted(when for when in list(program.delivered.values()) if when >= began - GAP)
        start = began
        for before, after in zip(times, times[1:]):
            if after > began and after - before > GAP:
                start = after
        if times and now - times[-1] <= GAP and now - max(start, mended) >= CALM:
            return max(0.0, start - mended)
        if now > limit:
            return None
        time.sleep(0.2)


def seconds(value):
    return "–" if value is None else f"{value:.1f} s"
