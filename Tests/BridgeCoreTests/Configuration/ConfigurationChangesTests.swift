import Testing

@testable import BridgeCore

/// What becomes of a change when the configuration is read again.
@Suite struct ConfigurationChangesTests {
    private static func snake(_ name: String) -> String {
        let words = name.replacing("clientID", with: "clientId")
        return words.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }

    /// Every key has its place in the table: a new one must not be forgotten.
    @Test func complete() {
        var configuration = Configuration()
        configuration.aliyun = .init()
        configuration.broker = .init()
        var names: Set<String> = ["aliyun", "broker"]
        for table in Mirror(reflecting: configuration).children {
            let label = Self.snake(table.label ?? "?").replacing("wi_fi", with: "wifi")
            let value = Mirror(reflecting: table.value)
            let inner =
                value.displayStyle == .optional ? value.children.first.map { Mirror(reflecting: $0.value) } : value
            for key in inner?.children ?? .init([]) { names.insert("\(label).\(Self.snake(key.label ?? "?"))") }
        }
        #expect(Set(Configuration.keys.map(\.name)) == names)
    }

    @Test func nothing() {
        #expect(Configuration().changes(to: Configuration()).isEmpty)
    }

    @Test func eachByItsName() {
        var old = Configuration()
        old.aliyun = .init()
        var new = old
        new.log.level = .debug
        new.mqtt.keepAlive = 60
        new.mqtt.subscribe = [.init(filter: "a", qos: .atLeastOnce)]
        new.outbox.path = "/elsewhere"
        new.aliyun?.deviceSecret = Secret("another")
        #expect(
            old.changes(to: new) == [
                .init("aliyun.device_secret", .relink), .init("mqtt.keep_alive", .relink),
                .init("mqtt.subscribe", .resubscribe), .init("outbox.path", .restart), .init("log.level", .atOnce),
            ])
    }

    @Test func anotherPeerIsOneChangeForEachTable() {
        var old = Configuration()
        old.aliyun = .init()
        var new = Configuration()
        new.broker = .init()
        #expect(old.changes(to: new) == [.init("aliyun", .relink), .init("broker", .relink)])
    }
}
