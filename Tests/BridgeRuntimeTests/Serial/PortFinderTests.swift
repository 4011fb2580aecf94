import Foundation
import Testing

@testable import BridgeRuntime

/// An adapter whose number has changed.
@Suite("Finding the port again")
struct PortFinderTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "/port-finder-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/by-id", withIntermediateDirectories: true)
    }

    private func link(_ name: String, to target: String) throws {
        try? FileManager.default.removeItem(atPath: folder + name)
        try FileManager.default.createSymbolicLink(atPath: folder + name, withDestinationPath: target)
    }

    @Test("the adapter's own name is noted, and leads to its new number")
    func renumbered() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Two devices that are always there stand for two adapters.
        try link("/ttyUSB0", to: "/dev/null")
        try link("/by-id/usb-other", to: "/dev/zero")
        try link("/by-id/usb-adapter", to: "/dev/null")
        var finder = PortFinder(path: folder + "/ttyUSB0", folder: folder + "/by-id")
        #expect(finder.present == folder + "/ttyUSB0")
        finder.opened()
        #expect(finder.byID == folder + "/by-id/usb-adapter")
        // Unplugged: another adapter may take the number meanwhile.
        try FileManager.default.removeItem(atPath: folder + "/ttyUSB0")
        try FileManager.default.removeItem(atPath: folder + "/by-id/usb-adapter")
        #expect(finder.present == folder + "/ttyUSB0")
        // Plugged in again, under another number.
        try link("/by-id/usb-adapter", to: "/dev/null")
        #expect(finder.present == folder + "/by-id/usb-adapter")
    }

    @Test("a replaced adapter is taken at the configured path, and its name noted")
    func replaced() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try link("/ttyUSB0", to: "/dev/null")
        try link("/by-id/usb-old", to: "/dev/null")
        var finder = PortFinder(path: folder + "/ttyUSB0", folder: folder + "/by-id")
        finder.opened()
        try FileManager.default.removeItem(atPath: folder + "/by-id/usb-old")
        try link("/by-id/usb-new", to: "/dev/null")
        #expect(finder.present == folder + "/ttyUSB0")
        finder.opened()
        #expect(finder.byID == folder + "/by-id/usb-new")
    }

    @Test("without udev's folder the configured path is all there is")
    func noFolder() {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var finder = PortFinder(path: "/dev/null", folder: folder + "/nowhere")
        finder.opened()
        #expect(finder.byID == nil)
        #expect(finder.present == "/dev/null")
    }
}
