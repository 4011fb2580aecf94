/// What is wrong with a document.
public enum JSONFault: Error, Equatable, Sendable {
    /// It is not JSON (RFC 8259); the sentence says why.
    case invalid(String)
    /// It is JSON, but no object.
    case notAnObject
    /// It is longer than so many bytes.
    case tooLarge(limit: Int)
    /// Its values are nested deeper than so many levels.
    case tooDeep(limit: Int)

    /// The word a local program is given.
    public var error: RequestError {
        switch self {
        case .invalid: .invalidJSON
        case .notAnObject: .notAnObject
        case .tooLarge: .tooLarge
        case .tooDeep: .tooDeep
        }
    }

    /// The sentence beside the word.
    public var detail: String {
        switch self {
        case .invalid(let reason): reason
        case .notAnObject: "expected a JSON object, as in {\"method\":…}"
        case .tooLarge(let limit): "the document is longer than \(limit) bytes"
        case .tooDeep(let limit): "the document is nested deeper than \(limit) levels"
        }
    }
}
