/// Why a message leaves the outbox without having been delivered, or is given up afterwards.
///
/// The words stand in receipt lines (`"status":"dropped","reason":…`) and, as names of counters, in
/// `status`.
public enum DropReason: String, CaseIterable, Sendable {
    /// Older than `[outbox] max_age`, or past its own `expires`.
    case expired
    /// Removed by a person (`espbridged queue purge`).
    case purged
    /// It was first in flight each time the link broke.
    case poison
    /// The cloud took it, but never answered it.
    case noReply = "no-reply"
    /// The oldest one, given up for a new one (`[outbox] when_full = "drop-oldest"`).
    case queueFull = "queue-full"
    /// The outbox's file was damaged, and the message could not be read any more.
    case damaged
}
