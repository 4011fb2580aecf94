import BridgeCore

/// One direction of a serial line: says how many bytes have passed at a given time, 10 bit times each.
///
/// The count goes from the moment at which the line last became busy, so that rounding and late wake-ups do not
/// add up: a busy line carries exactly `baud / 10` bytes a second.
struct LinePacer {
    /// Pauses shorter than this, between two looks at a line that is being fed, are none.
    private static let seam = Duration.milliseconds(3)
    /// How much line time is moved at once.
    private static let burst = Duration.milliseconds(2)

    /// Nil for a line without a speed.
    private(set) var baud: Int?
    private var epoch = Moment.zero
    private var passed = 0
    private(set) var isBusy = false

    init(baud: Int?) { self.baud = baud }

    mutating func setSpeed(_ newBaud: Int?, now: Moment) {
        baud = newBaud
        epoch = now
        passed = 0
    }

    /// There are bytes to carry; the line begins now unless it is busy.
    mutating func begin(now: Moment) {
        guard !isBusy else { return }
        isBusy = true
        let freeAt = time(of: passed)
        guard now - freeAt > Self.seam || freeAt > now else { return }
        epoch = now
        passed = 0
    }

    /// Bytes whose last bit has passed by now and that were not yet taken; everything for a line without a speed.
    func due(now: Moment) -> Int {
        guard let baud else { return .max }
        guard isBusy, now > epoch else { return 0 }
        let elapsed = (now - epoch).inNanoseconds
        let (seconds, rest) = elapsed.quotientAndRemainder(dividingBy: 1_000_000_000)
        let bits = seconds * Int64(baud) + rest * Int64(baud) / 1_000_000_000
        return max(0, Int(bits / 10) - passed)
    }

    /// Bytes were taken; the line is idle after them unless there are more. When the last of them had passed.
    mutating func took(_ count: Int, more: Bool, now: Moment) -> Moment {
        passed += count
        isBusy = more
        return baud == nil ? now : min(now, time(of: passed))
    }

    /// When to look again, with `waiting` bytes to carry.
    func nextLook(waiting: Int, now: Moment) -> Moment {
        guard let baud else { return now }
        let burst = max(1, Int(Int64(baud) * Self.burst.inMilliseconds / 10_000))
        return time(of: passed + max(1, min(waiting, burst)))
    }

    private func time(of count: Int) -> Moment {
        guard let baud else { return epoch }
        // Rounded up to the next nanosecond, at which the byte has certainly passed.
        let (seconds, rest) = (Int64(count) * 10).quotientAndRemainder(dividingBy: Int64(baud))
        let part = (rest * 1_000_000_000 + Int64(baud) - 1) / Int64(baud)
        return epoch + .nanoseconds(seconds * 1_000_000_000 + part)
    }
}
