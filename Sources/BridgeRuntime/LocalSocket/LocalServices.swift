import BridgeCore

/// What the daemon does for local programs. All calls, and all reports, on the server's event loop.
public protocol LocalServices: AnyObject {
    /// The answer to `{"bridge":"hello"}`, an object.
    func hello() -> JSONValue

    /// The answer to `{"bridge":"status"}`, an object.
    func status() -> JSONValue

    /// Where a message stands; nil when nothing is known of it. Called back once, on the event loop.
    func receipt(_ query: ReceiptQuery, found: @escaping (Result<Receipt?, OutboxRefusal>) -> Void)

    /// Stores a message for delivery.
    ///
    /// The first report has to be `queued` or `refused`, exactly once; it may come before this
    /// call returns. Others follow for as long as ``PublishRequest/until`` asks for them; those
    /// that nobody asked for are ignored. A later `refused` says that nothing more can be said.
    func submit(_ submission: Submission, report: @escaping (SubmissionReport) -> Void)

    /// Sends a program's answer to a request of the cloud; reports as ``submit(_:report:)`` does.
    func answer(id: String, payload: [UInt8], from peer: Peer, report: @escaping (SubmissionReport) -> Void)

    /// Removes waiting messages, one or all; called back with their number, on the event loop.
    func purge(_ selection: Int64?, by peer: Peer, done: @escaping (Int) -> Void)

    /// A program has subscribed.
    func subscribed(client: ObjectIdentifier)

    /// The line that tells where the link stands.
    func linkEvent() -> [UInt8]

    /// A client is gone: nobody reads further reports about its messages.
    ///
    /// - Parameter settled: nil when it has read all answers; else the receipt up to which it has for certain, or 0.
    func left(client: ObjectIdentifier, settled: Int64?)
}

/// A message from a local program.
public struct Submission: Equatable, Sendable {
    public var request: PublishRequest
    public var peer: Peer
    /// The connection it came on; nil when there is none that could end.
    public var client: ObjectIdentifier?

    public init(request: PublishRequest, peer: Peer, client: ObjectIdentifier? = nil) {
        self.request = request
        self.peer = peer
        self.client = client
    }
}

/// How a submission fares.
public enum SubmissionReport: Equatable, Sendable {
    /// It is on disk.
    ///
    /// - Parameter id: its Alink id, which is the first one's when it repeats another message; nil: the request's.
    case queued(receipt: Int64, id: String?)
    case refused(RequestError, detail: String)
    /// The broker acknowledged it, or it was written at QoS 0.
    case delivered(receipt: Int64)
    /// The cloud answered; `data` is valid JSON text as it was sent.
    case confirmed(receipt: Int64, code: Int, data: [UInt8]?, message: String?)
    case dropped(receipt: Int64, DropReason)
}
