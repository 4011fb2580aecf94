import BridgeCore

/// What the firmware does with bytes of the host in transparent mode.
///
/// NonOS AT 1.3 to 1.7.6: bytes are collected until none came for 20 ms or 2920 are there; then they go to TCP. Until
/// TCP has taken them a second buffer of 2920 bytes collects; what comes when it is full is lost without a word.
/// A buffer that holds exactly `+++` when the 20 ms are over ends transparent mode. ESP-AT 2.3: packets have 2048 bytes,
/// the UART driver's ring of 1024 bytes takes the place of the second buffer, and `+++` needs 20 ms of silence before it.
struct TransparentBuffer {
    /// A constant of NonOS firmware; the manual's 2048 is older.
    static let capacity = 2920
    static let idleTime = Duration.milliseconds(20)
    private static let escape: [UInt8] = [0x2B, 0x2B, 0x2B]

    enum Outcome: Equatable {
        case packet([UInt8])
        case escape
    }

    /// Bytes of the largest packet.
    let size: Int
    /// Bytes that are kept while a packet is in flight.
    let reserve: Int
    /// Whether `+++` counts only after silence, even with nothing in flight.
    let needsSilenceBefore: Bool
    /// Bytes that came while both buffers were full.
    private(set) var lost = 0
    /// When the 20 ms are over.
    private(set) var deadline: Moment?
    /// Bytes that can come before the next is lost.
    var room: Int { (isInFlight ? reserve : size + reserve) - bytes.count }
    private var bytes: [UInt8] = []
    private var isInFlight = false
    /// The 20 ms passed while the packet before was still in flight.
    private var isDue = false
    private var lastArrival: Moment?
    /// Whether more than 20 ms passed between the byte before this buffer's first one and that one.
    private var beganAfterSilence = true

    init(size: Int = capacity, reserve: Int = capacity, needsSilenceBefore: Bool = false) {
        self.size = size
        self.reserve = reserve
        self.needsSilenceBefore = needsSilenceBefore
    }

    /// The host's bytes came in.
    mutating func received(_ chunk: ArraySlice<UInt8>, now: Moment) -> [Outcome] {
        guard !chunk.isEmpty else { return [] }
        var outcomes: [Outcome] = []
        var rest = chunk
        while !rest.isEmpty {
            if bytes.isEmpty {
                beganAfterSilence =
                    rest.startIndex == chunk.startIndex
                    && lastArrival.map { now - $0 > Self.idleTime } ?? true
            }
            let room = (isInFlight ? reserve : size) - bytes.count
            guard room > 0 else {
                lost += rest.count
                break
            }
            bytes += rest.prefix(room)
            rest = rest.dropFirst(room)
            if bytes.count == size, !isInFlight { outcomes.append(flush()) }
        }
        lastArrival = now
        isDue = false
        deadline = bytes.isEmpty ? nil : now + Self.idleTime
        return outcomes
    }

    /// The 20 ms are over.
    mutating func silenceReached() -> Outcome? {
        deadline = nil
        guard !bytes.isEmpty else { return nil }
        if bytes == Self.escape, beganAfterSilence || !(isInFlight || needsSilenceBefore) {
            bytes = []
            return .escape
        }
        guard !isInFlight else {
            isDue = true
            return nil
        }
        return flush()
    }

    /// TCP took the packet that was in flight.
    mutating func packetTaken() -> Outcome? {
        isInFlight = false
        guard !bytes.isEmpty, isDue || bytes.count >= size else { return nil }
        deadline = nil
        return flush()
    }

    /// The connection is gone, and what was to go over it.
    mutating func discard() {
        bytes = []
        isInFlight = false
        isDue = false
        deadline = nil
    }

    /// The module was reset.
    mutating func restart() {
        discard()
        lastArrival = nil
    }

    private mutating func flush() -> Outcome {
        let packet = bytes
        bytes = []
        isInFlight = true
        isDue = false
        return .packet(packet)
    }
}
