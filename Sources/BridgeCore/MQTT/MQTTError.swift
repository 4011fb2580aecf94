/// A violation of MQTT 3.1.1, with the number of the statement that was broken.
public struct MQTTError: Error, Equatable, Sendable, CustomStringConvertible {
    /// As the standard prints it, for example `MQTT-2.3.1-1`; nil where it has no number.
    public var statement: String?
    /// What is wrong.
    public var detail: String

    public init(_ statement: String?, _ detail: String) {
        self.statement = statement
        self.detail = detail
    }

    public var description: String { statement.map { "\(detail) [\($0)]" } ?? detail }
}
