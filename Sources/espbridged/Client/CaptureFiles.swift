import BridgeCore
import Glibc

/// The files that a recording goes to: a transcript of the serial line, and MQTT for Wireshark.
struct CaptureFiles: ~Copyable {
    /// Only the owner reads them: passwords are masked, but messages are not.
    private static let mode: mode_t = 0o600

    private var transcript: CInt?
    private var packets: CInt?
    private var connection = SyntheticTCP()

    /// Makes the files, or empties them; `-` is standard output.
    init(transcript: String?, packets: String?, application: String) throws {
        self.transcript = try transcript.map(Self.open)
        self.packets = try packets.map(Self.open)
        if let file = self.packets { try Self.write(PcapNG.beginning(application: application), to: file) }
    }

    deinit {
        for file in [transcript, packets].compactMap(\.self) where file != STDOUT_FILENO { close(file) }
    }

    /// A remark in the transcript.
    func remark(_ text: String) throws {
        if let transcript { try Self.write(Array("# \(text)\n".utf8), to: transcript) }
    }

    /// A line of the daemon.
    mutating func take(_ line: JSONValue) throws {
        if let transcript, line["event"]?.text == "line", let entry = line["entry"]?.text {
            try Self.write(Array("\(entry)\n".utf8), to: transcript)
        }
        guard let packets, let event = StreamEvent(line), let time = line["at_ms"]?.integer else { return }
        for packet in connection.packets(event) {
            try Self.write(PcapNG.packet(packet, milliseconds: Int64(time)), to: packets)
        }
    }

    private static func open(_ path: String) throws -> CInt {
        guard path != "-" else { return STDOUT_FILENO }
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw Failure.io("\(path): \(String(cString: strerror(errno)))") }
        return file
    }

    private static func write(_ bytes: [UInt8], to file: CInt) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure.io("the recording: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }
}
