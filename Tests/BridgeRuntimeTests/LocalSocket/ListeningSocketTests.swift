import Foundation
import Glibc
import Testing

@testable import BridgeRuntime

@Suite struct ListeningSocketTests {
    private static func mode(_ path: String) -> UInt32 {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test("The socket has the mode asked for, whatever the umask, and nothing else is left in the folder")
    func modes() throws {
        for mode in [0o660, 0o600, 0o666] as [UInt32] {
            let folder = try TemporaryFolder()
            _ = try ListeningSocket(path: folder.path + "/socket", mode: mode)
            #expect(Self.mode(folder.path + "/socket") == mode)
            #expect(folder.names == ["socket"])
        }
    }

    @Test("A group is given by name or number; an unknown one is an error")
    func groups() throws {
        let folder = try TemporaryFolder()
        let group = getgid()
        _ = try ListeningSocket(path: folder.path + "/socket", mode: 0o660, group: "\(group)")
        var status = stat()
        #expect(lstat(folder.path + "/socket", &status) == 0)
        #expect(status.st_gid == group)
        #expect(throws: LocalSocketError.noSuchGroup(name: "no-such-group-here")) {
            try ListeningSocket(path: folder.path + "/other", mode: 0o660, group: "no-such-group-here")
        }
        #expect(folder.names == ["socket"])
    }

    @Test("A stale socket is replaced")
    func stale() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let old = try ListeningSocket(path: path, mode: 0o660)
        close(old.descriptor)
        #expect(throws: UnixClient.Failure.self) { try UnixClient(path) }
        _ = try ListeningSocket(path: path, mode: 0o660)
        _ = try UnixClient(path)
    }

    @Test("A living daemon keeps its socket")
    func living() throws {
        let fixture = try LocalServerFixture()
        #expect(throws: LocalSocketError.inUse(path: fixture.path)) {
            try ListeningSocket(path: fixture.path, mode: 0o660)
        }
        let client = try UnixClient(fixture.path)
        try client.send(#"{"bridge":"status"}"#)
        #expect(try client.line() != nil)
    }

    @Test("A file that is no socket is left alone")
    func file() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        try "precious".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(throws: LocalSocketError.notASocket(path: path)) { try ListeningSocket(path: path, mode: 0o660) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test("A path that is too long, or whose folder is missing, is an error")
    func badPaths() throws {
        let folder = try TemporaryFolder()
        let long = folder.path + "/" + String(repeating: "x", count: 120)
        #expect(throws: LocalSocketError.self) { try ListeningSocket(path: long, mode: 0o660) }
        #expect(throws: LocalSocketError.self) { try ListeningSocket(path: folder.path + "/no/socket", mode: 0o660) }
        #expect(folder.names.isEmpty)
    }

    @Test("A socket passed by systemd is served, and its name stays when the daemon stops")
    func adopted() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let passed = try ListeningSocket(path: path, mode: 0o660)
        let fixture = try LocalServerFixture(listening: passed.descriptor)
        let client = try UnixClient(path)
        try client.send(#"{"bridge":"status"}"#)
        #expect(try client.line() != nil)
        try fixture.stop()
        #expect(folder.names == ["socket"])
    }

    @Test("A name of one's own is removed at the end, unless it is another's by then")
    func removal() throws {
        let fixture = try LocalServerFixture()
        try fixture.stop()
        #expect(fixture.folder.names.isEmpty)

        let second = try LocalServerFixture()
        unlink(second.path)
        let other = try ListeningSocket(path: second.path, mode: 0o660)
        try second.stop()
        #expect(second.folder.names == ["socket"])
        close(other.descriptor)
    }

    @Test("A descriptor that does not listen is refused")
    func notListening() {
        let descriptor = open("/dev/null", O_RDONLY)
        #expect(throws: LocalSocketError.notListening(descriptor: descriptor)) {
            try ListeningSocket(adopting: descriptor)
        }
        close(descriptor)
    }

    @Test(
        "The unit is the innermost one in the control group",
        arguments: [
            ("0::/system.slice/logger.service\n", "logger.service"),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n", "run-1.scope"),
            ("12:cpu:/x.service\n1:name=systemd:/system.slice/a.service/child\n", "a.service"),
            ("0::/init.scope\n", "init.scope"),
            ("0::/\n", nil), ("", nil), ("nonsense", nil),
        ] as [(String, String?)])
    func units(_ example: (text: String, unit: String?)) {
        #expect(Peer.unit(inControlGroups: example.text) == example.unit)
    }
}
