import DequeModule

/// Never more than five CONNECTs in any minute.
///
/// The platform drops a device that connects more often (its Limits page: 5 connection requests
/// per minute and device), and each one counts, refused or not.
public struct ConnectBudget: Sendable {
    /// CONNECTs allowed in one window.
    public static let limit = 5
    /// The length of the window.
    public static let window = Duration.seconds(60)

    private var connects: Deque<Moment> = []
    private var isUnanswered = false

    public init() {}

    /// Notes that a CONNECT goes out now.
    public mutating func spend(now: Moment) {
        isUnanswered = true
        connects.append(now)
        while connects.count > Self.limit { connects.removeFirst() }
    }

    /// The last CONNECT was answered, or is given up: it has arrived by now if it ever did. The platform counts
    /// arrivals, and a slow network may bring closer together what was sent a minute apart.
    public mutating func answered(now: Moment) {
        guard isUnanswered, !connects.isEmpty else { return }
        isUnanswered = false
        connects[connects.count - 1] = now
    }

    /// The earliest time at which one more CONNECT may go out; `now` when that is at once.
    public func earliest(now: Moment) -> Moment {
        guard connects.count >= Self.limit, let oldest = connects.first else { return now }
        return max(now, oldest + Self.window)
    }
}
