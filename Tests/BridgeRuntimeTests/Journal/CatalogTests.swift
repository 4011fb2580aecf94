import Foundation
import Testing

@testable import BridgeRuntime

/// `etc/espbridged.catalog`, which journalctl(1) shows with `-x`.
@Suite("The message catalog")
struct CatalogTests {
    private struct Entry {
        var identifier: String
        var headers: [String: String]
        var text: String
    }

    private let entries: [Entry]

    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = try String(contentsOf: root.appendingPathComponent("etc/espbridged.catalog"), encoding: .utf8)
        entries = file.components(separatedBy: "\n-- ").dropFirst().map { chunk in
            let lines = chunk.components(separatedBy: "\n")
            let head = lines.dropFirst().prefix { !$0.isEmpty }
            let headers = head.compactMap { line in
                line.firstMatch(of: /([A-Za-z-]+): (.+)/).map { (String($0.1), String($0.2)) }
            }
            return Entry(
                identifier: lines[0], headers: Dictionary(headers) { first, _ in first },
                text: lines.dropFirst(1 + head.count).joined(separator: "\n"))
        }
    }

    @Test("has an entry for each kind of event, one to one")
    func complete() {
        #expect(entries.map(\.identifier).sorted() == JournalEvent.allCases.map(\.rawValue).sorted())
    }

    @Test("each entry has a subject of one line, says whose it is, and explains something")
    func wellFormed() {
        for entry in entries {
            #expect((entry.headers["Subject"] ?? "").count > 10, "\(entry.identifier)")
            #expect(entry.headers["Defined-By"] == "espbridged")
            #expect(entry.headers["Documentation"] == "man:espbridged(8)")
            #expect(entry.text.count > 60, "\(entry.identifier)")
        }
    }

    @Test("fields that are filled in are those of the journal")
    func fields() {
        for entry in entries {
            for field in (entry.headers["Subject"] ?? "").matches(of: /@(\w+)@/) + entry.text.matches(of: /@(\w+)@/) {
                #expect(field.1.hasPrefix("ESPBRIDGED_"), "\(entry.identifier): \(field.1)")
            }
        }
    }
}
