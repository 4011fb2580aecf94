/// Messages of the cloud on their way to local programs: who is asked, which request an answer belongs to, what becomes
/// of a request that nobody takes, and when the cloud is told that a message has arrived.
///
/// A message of QoS 1 is acknowledged once a program has it, or once what happens without one is settled, and always in
/// the order of arrival [MQTT-4.6.0-2].
public struct Downlink: Sendable {
    /// What the caller is to do.
    public enum Effect: Equatable, Sendable {
        case acknowledge(UInt16)
        /// Publish ``CloudRequest/refusal`` ahead of what waits, worthless after `expires`;
        /// ``Downlink/refused(_:isStored:now:)`` has to follow.
        case refuse(CloudRequest, expires: Duration)
        /// Nobody took it; a request is answered with 503.
        case untaken(InboundMessage, CloudRequest?)
        /// Nobody took it, and the refusal could not be stored.
        case unanswered(InboundMessage, CloudRequest)
    }

    /// Why a program's answer leads nowhere.
    public enum AnswerError: Error, Equatable, Sendable {
        /// No request with this id was handed over, or it was answered.
        case unknown
        /// The 8 s of a synchronous request are over.
        case late
    }

    private struct Waiting {
        var message: InboundMessage
        var request: CloudRequest
        /// When the cloud is told that nobody took it.
        var until: Moment
        /// When it no longer wants to know.
        var worthless: Moment
        /// The refusal is on its way to the disk.
        var isBeingRefused = false
    }

    private struct Answerable {
        var request: CloudRequest
        var until: Moment
        /// An answer is on its way to the disk.
        var isBeingAnswered = false
    }

    /// How long it is remembered that a request can no longer be answered.
    private static let memory = Duration.seconds(60)
    /// When a refusal that could not be stored is tried again.
    private static let retry = Duration.seconds(5)

    /// Most requests that wait for a program, or for its answer.
    static let mostRequests = 256
    private static let mostRecent = 64

    private let prefix: String
    private var waiting: [Waiting] = []
    private var answerable: [Answerable] = []
    /// Messages of QoS 1 in the order of arrival, and whether they are settled.
    private var arrivals: [(identifier: UInt16, isSettled: Bool)] = []
    /// What was handed over in this session, to know it again.
    private var recent: [InboundMessage] = []

    /// - Parameter prefix: `/sys/${productKey}/${deviceName}/`.
    public init(prefix: String) { self.prefix = prefix }

    public var deadline: Moment? {
        (waiting.filter { !$0.isBeingRefused }.map(\.until) + answerable.map { $0.until + Self.memory }).min()
    }

    // MARK: From the cloud

    /// A message came; `offer` hands it to the programs and says how many took it.
    public mutating func received(
        _ message: InboundMessage, now: Moment, offer: (InboundMessage) -> Int
    ) -> [Effect] {
        if let identifier = message.packetIdentifier {
            if message.dup, isKnown(message) { return repeated(identifier) }
            arrivals.append((identifier, false))
            remember(message)
        }
        if awaitsRepetition(message) { return [] }
        let request = CloudRequest(topic: message.topic, payload: message.payload, prefix: prefix)
        if offer(message) > 0 {
            if let request { canBeAnswered(request, now: now) }
            return settle(message)
        }
        guard let request else { return [.untaken(message, nil)] + settle(message) }
        guard waiting.count < Self.mostRequests else {
            return [.untaken(message, request), .refuse(request, expires: request.refusalLasts)] + settle(message)
        }
        let until = now + request.waitsFor
        waiting.append(
            Waiting(message: message, request: request, until: until, worthless: until + request.refusalLasts))
        return []
    }

    /// A program has subscribed: what waits is offered again.
    public mutating func subscribed(now: Moment, offer: (InboundMessage) -> Int) -> [Effect] {
        var effects: [Effect] = []
        var left: [Waiting] = []
        for entry in waiting {
            guard !entry.isBeingRefused, offer(entry.message) > 0 else {
                left.append(entry)
                continue
            }
            canBeAnswered(entry.request, now: now)
            effects += settle(entry.message)
        }
        waiting = left
        return effects
    }

    /// The session is over: what was not acknowledged comes again with a session that the server keeps, or never. So requests
    /// that nobody has taken go on waiting, and their repetitions are known.
    public mutating func sessionEnded() {
        arrivals = []
        recent = []
        for index in waiting.indices { waiting[index].message.packetIdentifier = nil }
    }

    // MARK: From the programs

    /// A program answers: what it answers, and for how long its answer is worth something.
    /// ``answered(_:isStored:)`` has to follow; meanwhile there is no second answer.
    public mutating func answer(
        id: String, now: Moment
    ) throws(AnswerError) -> (request: CloudRequest, expires: Duration?) {
        guard let index = answerable.lastIndex(where: { $0.request.id == id && !$0.isBeingAnswered }) else {
            throw .unknown
        }
        let entry = answerable[index]
        guard now < entry.until else { throw .late }
        answerable[index].isBeingAnswered = true
        return (entry.request, entry.request.kind == .rrpc ? entry.until - now : nil)
    }

    /// The answer to a request is on disk, or could not be stored: then it can be answered once more.
    public mutating func answered(_ request: CloudRequest, isStored: Bool) {
        guard let index = answerable.lastIndex(where: { $0.request == request && $0.isBeingAnswered }) else { return }
        if isStored { answerable.remove(at: index) } else { answerable[index].isBeingAnswered = false }
    }

    /// The refusal of a request is on disk, or could not be stored: then it waits, and will be refused again.
    public mutating func refused(_ request: CloudRequest, isStored: Bool, now: Moment) -> [Effect] {
        guard let index = waiting.firstIndex(where: { $0.request == request && $0.isBeingRefused }) else { return [] }
        if !isStored, now + Self.retry < waiting[index].worthless {
            waiting[index].isBeingRefused = false
            waiting[index].until = now + Self.retry
            return []
        }
        let message = waiting.remove(at: index).message
        return [isStored ? .untaken(message, request) : .unanswered(message, request)] + settle(message)
    }

    /// Requests whose time is over.
    public mutating func timePassed(_ now: Moment) -> [Effect] {
        // Kept a little longer, so that a late answer is told that it is late.
        answerable.removeAll { $0.until + Self.memory <= now }
        var effects: [Effect] = []
        for index in waiting.indices where waiting[index].until <= now && !waiting[index].isBeingRefused {
            waiting[index].isBeingRefused = true
            effects.append(
                .refuse(waiting[index].request, expires: max(waiting[index].worthless - now, .zero)))
        }
        return effects
    }

    // MARK: Means

    private mutating func canBeAnswered(_ request: CloudRequest, now: Moment) {
        if answerable.count >= Self.mostRequests { answerable.removeFirst() }
        answerable.append(Answerable(request: request, until: now + request.answerableFor))
    }

    private mutating func settle(_ message: InboundMessage) -> [Effect] {
        guard let identifier = message.packetIdentifier,
            let index = arrivals.firstIndex(where: { $0.identifier == identifier && !$0.isSettled })
        else { return [] }
        arrivals[index].isSettled = true
        let ready = arrivals.prefix { $0.isSettled }
        arrivals.removeFirst(ready.count)
        return ready.map { .acknowledge($0.identifier) }
    }

    /// A repetition of what has been settled is acknowledged once more; of what has not, it changes nothing.
    private func repeated(_ identifier: UInt16) -> [Effect] {
        arrivals.contains { $0.identifier == identifier } ? [] : [.acknowledge(identifier)]
    }

    /// Whether it is a request that waits since an earlier session; it is acknowledged in this one when it is settled.
    private mutating func awaitsRepetition(_ message: InboundMessage) -> Bool {
        guard message.packetIdentifier != nil,
            let index = waiting.firstIndex(where: {
                $0.message.packetIdentifier == nil && $0.message.topic == message.topic
                    && $0.message.payload == message.payload
            })
        else { return false }
        waiting[index].message = message
        return true
    }

    private func isKnown(_ message: InboundMessage) -> Bool {
        recent.contains {
            $0.packetIdentifier == message.packetIdentifier && $0.topic == message.topic
                && $0.payload == message.payload
        }
    }

    private mutating func remember(_ message: InboundMessage) {
        if recent.count >= Self.mostRecent { recent.removeFirst() }
        recent.append(message)
    }
}
