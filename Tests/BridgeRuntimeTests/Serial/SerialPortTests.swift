import BridgeCore
import BridgeRuntime
import Glibc
import Testing

/// The port on the kernel's real tty layer.
@Suite("Serial port")
struct SerialPortTests {
    private func settings(_ path: String, baud: Int = 115_200) -> SerialPort.Settings {
        SerialPort.Settings(path: path, baud: baud, hardwareFlowControl: false)
    }

    private func failure(_ path: String) -> LinkFailure? {
        do throws(LinkFailure) {
            _ = try SerialPort(settings(path))
            return nil
        } catch {
            return error
        }
    }

    private func changesSpeed(_ path: String, _ baud: Int) throws -> Bool {
        let port = try SerialPort(settings(path, baud: baud))
        return port.speedChanged
    }

    @Test("raw: nothing is echoed, translated or taken for a signal, and the last close leaves DTR alone")
    func raw() throws {
        let terminal = try PseudoTerminal()
        let port = try SerialPort(settings(terminal.path))
        let found = terminal.settings
        #expect(found.c_lflag & tcflag_t(ECHO | ICANON | ISIG | IEXTEN) == 0)
        #expect(found.c_iflag & tcflag_t(ICRNL | INLCR | IGNCR | IXON | IXOFF | ISTRIP | BRKINT) == 0)
        #expect(found.c_oflag & tcflag_t(OPOST) == 0)
        #expect(found.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
        #expect(found.c_cflag & tcflag_t(CLOCAL | CREAD) == tcflag_t(CLOCAL | CREAD))
        #expect(found.c_cflag & tcflag_t(HUPCL | PARENB | CSTOPB) == 0)
        _ = port.settings
    }

    @Test("all 256 values pass unchanged, both ways")
    func transparent() throws {
        let terminal = try PseudoTerminal()
        let port = try SerialPort(settings(terminal.path))
        let descriptor = try port.duplicate()
        defer { close(descriptor) }
        let all = Array(UInt8.min...UInt8.max)
        try terminal.send(all)
        #expect(PseudoTerminal.receive(256, from: descriptor) == all)
        #expect(write(descriptor, all, all.count) == 256)
        #expect(PseudoTerminal.receive(256, from: terminal.far) == all)
    }

    @Test("a change of speed is known, the same speed is none", arguments: [9_600, 74_880, 921_600])
    func speedChange(baud: Int) throws {
        let terminal = try PseudoTerminal()
        // A pseudo-terminal begins with 38400.
        #expect(try changesSpeed(terminal.path, baud))
        #expect(try !changesSpeed(terminal.path, baud))
    }

    @Test("one holder at a time, and the next one when it is gone")
    func exclusive() throws {
        let terminal = try PseudoTerminal()
        let path = terminal.path
        do {
            let port = try SerialPort(settings(path))
            #expect(failure(path) == .portHeld(path: path, holders: []))
            _ = port.settings
        }
        #expect(failure(path) == nil)
    }

    @Test("an attempt's duplicate does not keep the port from being taken again")
    func duplicateCloses() throws {
        let terminal = try PseudoTerminal()
        let port = try SerialPort(settings(terminal.path))
        for _ in 0..<2_000 {
            let copy = try port.duplicate()
            close(copy)
        }
        let isStillThere = port.isStillThere
        #expect(isStillThere)
    }

    @Test("a pseudo-terminal has no lines to pull and no UART that counts, and says so")
    func noLines() throws {
        let terminal = try PseudoTerminal()
        var wanted = settings(terminal.path)
        wanted.resetLine = .dtr
        let port = try SerialPort(wanted)
        let trouble = port.holdReset(true)
        let errors = port.lineErrors
        #expect(port.lineTrouble == trouble)
        #expect(trouble?.isEmpty == false)
        #expect(errors == nil)
    }

    /// What is done to the lines, since no pseudo-terminal has any.
    private final class NotedLines: ModemLineControl {
        var said: [String] = []

        func set(_ lines: ModemLines, asserted: Bool, on descriptor: CInt) -> CInt {
            let names = [(ModemLines.dtr, "DTR"), (.rts, "RTS")].filter { lines.contains($0.0) }.map(\.1)
            said.append((asserted ? "+" : "-") + names.joined(separator: "&"))
            return 0
        }
    }

    @Test(
        "opening releases the reset line and the other one at once, a pulse pulls only the former",
        arguments: [
            (.dtr, false, ["-DTR&RTS", "+DTR", "-DTR"]), (.rts, false, ["-DTR&RTS", "+RTS", "-RTS"]),
            // The driver has RTS.
            (.dtr, true, ["-DTR", "+DTR", "-DTR"]), (.none, false, []),
        ] as [(Configuration.Serial.ResetLine, Bool, [String])])
    func resetLine(line: Configuration.Serial.ResetLine, flowControl: Bool, expected: [String]) throws {
        let terminal = try PseudoTerminal()
        let lines = NotedLines()
        let wanted = SerialPort.Settings(
            path: terminal.path, baud: 115_200, hardwareFlowControl: flowControl, resetLine: line)
        let port = try SerialPort(wanted, lines: lines)
        #expect(lines.said == Array(expected.prefix(1)))
        let troubles = [port.lineTrouble, port.holdReset(true), port.holdReset(false)]
        #expect(troubles == [nil, nil, nil])
        #expect(lines.said == expected)
    }

    @Test("what is no port is told apart")
    func refusals() throws {
        #expect(failure("/dev/ttyNothing9") == .portMissing(path: "/dev/ttyNothing9"))
        #expect(failure("/dev/null") == .portNotATerminal(path: "/dev/null"))
        #expect(failure("/etc/hostname/x") == .portMissing(path: "/etc/hostname/x"))
    }

    @Test("a port that went away under its name is noticed")
    func gone() throws {
        let folder = try TemporaryFolder()
        let link = folder.path + "/tty"
        let first = try PseudoTerminal()
        let second = try PseudoTerminal()
        symlink(first.path, link)
        let port = try SerialPort(settings(link))
        let before = port.isStillThere
        unlink(link)
        let without = port.isStillThere
        symlink(second.path, link)
        let renumbered = port.isStillThere
        #expect([before, without, renumbered] == [true, false, false])
    }
}
