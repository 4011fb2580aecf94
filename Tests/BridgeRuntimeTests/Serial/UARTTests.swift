import BridgeCore
import BridgeRuntime
import Foundation
import Glibc
import TestSupport
import Testing

/// The port on a UART with modem lines and counters, which no pseudo-terminal has.
@Suite(
    "Serial port on a UART", .serialized,
    .enabled(if: LoopedUART.path != nil, "ESPBRIDGED_UART names no UART that may be used (see CONTRIBUTING.md)"))
struct UARTTests {
    private func port(_ uart: LoopedUART, reset: Configuration.Serial.ResetLine = .none) throws -> SerialPort {
        try SerialPort(
            SerialPort.Settings(path: uart.path, baud: 115_200, hardwareFlowControl: false, resetLine: reset))
    }

    @Test("opening releases the reset line and the other one; a pulse pulls the reset line and no other")
    func pulse() throws {
        let uart = try LoopedUART()
        for (line, held) in [(Configuration.Serial.ResetLine.dtr, [true, false]), (.rts, [false, true])] {
            let port = try port(uart, reset: line)
            let trouble = port.lineTrouble
            #expect(trouble == nil)
            #expect(try uart.lines() == [false, false])
            let pulled = port.holdReset(true)
            #expect(try uart.lines() == held)
            let released = port.holdReset(false)
            #expect([pulled, released] == [nil, nil])
            #expect(try uart.lines() == [false, false])
        }
    }

    @Test("what another program's open(2) asserted is released for the next attempt")
    func foreignOpen() throws {
        let uart = try LoopedUART()
        let port = try port(uart, reset: .dtr)
        close(open(uart.path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
        #expect(try uart.lines() == [true, true], "Linux asserts both at each open")
        close(try port.duplicate())
        #expect(try uart.lines() == [false, false])
    }

    @Test("a port that another program has is not even opened, which would reset its module")
    func heldByAnother() throws {
        let uart = try LoopedUART()
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/bin/sh")
        holder.arguments = ["-c", "exec 9<>$0; echo ready; read line", uart.path]
        let output = Pipe()
        holder.standardOutput = output
        // It ends with its input, at the latest.
        holder.standardInput = Pipe()
        try holder.run()
        defer {
            kill(holder.processIdentifier, SIGKILL)
            holder.waitUntilExit()
        }
        _ = output.fileHandleForReading.availableData
        uart.release()
        #expect(throws: LinkFailure.portHeld(path: uart.path, holders: ["sh[\(holder.processIdentifier)]"])) {
            _ = try port(uart, reset: .dtr)
        }
        #expect(try uart.lines() == [false, false])
    }

    @Test("without a reset line, both stay as the kernel sets them")
    func unwired() throws {
        let uart = try LoopedUART()
        let before = try uart.lines()
        let port = try port(uart)
        #expect(try uart.lines() == before)
        _ = port.settings
    }

    @Test("a UART counts its errors")
    func counters() throws {
        let uart = try LoopedUART()
        let port = try port(uart)
        let counted = port.lineErrors
        let errors = try #require(counted)
        #expect(errors.framing >= 0)
        #expect(errors.breaks >= 0)
    }

    @Test("all 256 values pass unchanged")
    func transparent() throws {
        let uart = try LoopedUART()
        let port = try port(uart)
        let descriptor = try port.duplicate()
        defer { close(descriptor) }
        let all = Array(UInt8.min...UInt8.max)
        #expect(write(descriptor, all, all.count) == all.count)
        #expect(PseudoTerminal.receive(256, from: descriptor) == all)
    }

    @Test("one holder at a time, and those who are not root cannot even open it (TIOCEXCL)")
    func exclusive() throws {
        let uart = try LoopedUART()
        let held = try port(uart)
        #expect(throws: LinkFailure.portHeld(path: uart.path, holders: [])) { _ = try port(uart) }
        _ = held.settings
    }
}
