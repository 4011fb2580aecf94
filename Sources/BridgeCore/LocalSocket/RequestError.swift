/// Why a local program's request was refused: the stable words of the socket protocol.
public enum RequestError: String, Error, CaseIterable, Sendable {
    case invalidJSON = "invalid-json"
    case notAnObject = "not-an-object"
    case tooLarge = "too-large"
    case tooDeep = "too-deep"
    case invalidMethod = "invalid-method"
    case invalidTopic = "invalid-topic"
    case invalidID = "invalid-id"
    case invalidRequest = "invalid-request"
    case unknownOperation = "unknown-operation"
    case unknownReceipt = "unknown-receipt"
    case queueFull = "queue-full"
    case diskFull = "disk-full"
    case notPermitted = "not-permitted"
    case shuttingDown = "shutting-down"
}
