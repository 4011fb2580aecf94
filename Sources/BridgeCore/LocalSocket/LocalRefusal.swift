/// A request that is not carried out, with what its sender is told.
public struct LocalRefusal: Error, Equatable, Sendable {
    public var error: RequestError
    /// A sentence for people.
    public var detail: String
    /// The request's `id` and `tag` as they were written (JSON text in one line), if known.
    public var id: [UInt8]?
    public var tag: [UInt8]?
    /// Place in the client's stream, for text that is no JSON object.
    public var offset: Int?

    public init(_ error: RequestError, _ detail: String, offset: Int? = nil) {
        self.error = error
        self.detail = detail
        self.offset = offset
    }

    /// - Parameter identity: of the request.
    public init(_ error: RequestError, _ detail: String, _ identity: LocalAnswer.Identity) {
        self.init(error, detail)
        id = identity.alinkID.map { Array(JSONValue.string($0).serialized.utf8) }
        tag = identity.tag
    }

    public init(_ fault: JSONFault, offset: Int) {
        self.init(fault.error, fault.detail, offset: offset)
    }
}
