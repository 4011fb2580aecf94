import TestSupport
import Testing

@testable import BridgeCore

/// A password never shows, however CONNECT is cut.
struct ConnectMaskTests {
    private static let password = Array((0..<700).map { "\($0 + 1000)" }.joined().utf8)

    private static func connect(password: [UInt8]?, identifier: String = "gateway-1") -> [UInt8] {
        MQTTPacket.connect(
            .init(
                clientIdentifier: identifier, cleanSession: true, keepAlive: 60, username: password.map { _ in "u" },
                password: password)
        ).encoded()
    }

    private static func masked(_ bytes: [UInt8], cuts: [Int]) -> [UInt8] {
        var mask = ConnectMask()
        let ends = (cuts + [bytes.count]).sorted()
        return zip([0] + ends, ends).flatMap { mask.masked(Array(bytes[$0..<$1])) }
    }

    @Test func `all of it is stars, and nothing else, however it is cut`() {
        let publish = Array("behind it".utf8)
        let bytes = Self.connect(password: Self.password) + publish
        let start = bytes.count - publish.count - Self.password.count
        let expected = bytes[..<start] + Array(repeating: 0x2A, count: Self.password.count) + publish
        var random = SplitMix(seed: 8)
        #expect(Self.masked(bytes, cuts: []) == Array(expected))
        #expect(Self.masked(bytes, cuts: Array(1..<bytes.count)) == Array(expected))
        for _ in 0..<200 {
            let cuts = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                Int.random(in: 0...bytes.count, using: &random)
            }
            #expect(Self.masked(bytes, cuts: cuts) == Array(expected))
        }
    }

    @Test func `an identifier as long as it may be changes nothing`() {
        let bytes = Self.connect(password: Self.password, identifier: String(repeating: "i", count: 65_000))
        let shown = Self.masked(bytes, cuts: Array(stride(from: 1000, to: bytes.count, by: 1000)))
        #expect(shown.suffix(Self.password.count).allSatisfy { $0 == 0x2A })
    }

    @Test func `a stream without a password, or that is no MQTT, is shown as it is`() {
        for bytes in [
            Self.connect(password: nil) + Self.connect(password: Self.password), Array("GET / HTTP/1.1".utf8),
            [0x10, 0x40] + Array(repeating: 0x41, count: 40),
        ] {
            #expect(Self.masked(bytes, cuts: [3, 9, 14]) == bytes)
        }
    }
}
