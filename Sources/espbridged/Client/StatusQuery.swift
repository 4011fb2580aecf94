import BridgeCore

/// Asks the daemon how it stands.
enum StatusQuery {
    private static let patience = 10_000

    /// One answer on a connection of its own; ends the command with 69 when there is none.
    static func once(_ path: String) throws -> JSONValue {
        do throws(BridgeClient.Unreachable) {
            var client = try BridgeClient(path: path)
            return try ask(&client, path: path)
        } catch {
            throw Failure.unavailable(error.description)
        }
    }

    /// The answer to `status` on a connection that stays open.
    static func ask(_ client: inout BridgeClient, path: String) throws(BridgeClient.Unreachable) -> JSONValue {
        try client.send("{\"bridge\":\"status\"}\n".utf8)
        switch try client.readLine(milliseconds: patience) {
        case .line(let line):
            guard let answer = try? JSONValue(parsing: Array(line.utf8)) else {
                throw BridgeClient.Unreachable(description: "\(path): the answer is not JSON: \(line)")
            }
            if answer["status"]?.text == "refused" {
                throw BridgeClient.Unreachable(description: "\(path): \(answer["detail"]?.text ?? line)")
            }
            return answer
        case .timedOut:
            throw BridgeClient.Unreachable(description: "\(path): no answer within \(patience / 1000) s")
        case .ended:
            throw BridgeClient.Unreachable(description: "\(path): the daemon has ended the connection")
        }
    }
}
