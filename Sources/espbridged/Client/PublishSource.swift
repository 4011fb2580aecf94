import BridgeCore
import Glibc

/// The documents of files, one after the other; those of standard input as they come, so that a program may write one now and then.
struct PublishSource {
    /// What a file holds: a document to send, or a place that is none, with the line that says so.
    enum Item {
        case document([UInt8])
        case refused(JSONValue)
    }

    /// What is read from, in order; files were read before.
    private enum Part {
        case file(name: String, [UInt8])
        case standardInput
    }

    private var parts: ArraySlice<Part>
    private var splitter = JSONDocumentSplitter(maxLength: Standard.largestFile)
    /// Of the first part: read, and not split.
    private var bytes: ArraySlice<UInt8> = []
    /// Of the first part.
    private var isRead = false

    /// Reads the files; `-` is standard input.
    init(_ files: [String]) throws {
        // The next descriptor that is opened would have its number.
        if files.contains("-"), fcntl(STDIN_FILENO, F_GETFD) < 0 {
            throw Failure.io("\(Standard.inputName): \(String(cString: strerror(errno)))")
        }
        parts = try files.map { $0 == "-" ? .standardInput : .file(name: $0, try Standard.contents(of: $0)) }[...]
        begin()
    }

    private mutating func begin() {
        splitter = JSONDocumentSplitter(maxLength: Standard.largestFile)
        bytes = []
        isRead = false
        if case .file(_, let content) = parts.first {
            bytes = content[...]
            isRead = true
        }
    }

    /// Nothing more will come.
    var hasEnded: Bool { parts.isEmpty }

    /// What of it can be read without waiting for more; nil also when more may come.
    mutating func next() -> Item? {
        while let part = parts.first {
            if let output = splitter.next(from: &bytes) ?? (isRead ? splitter.finish() : nil) {
                return Self.item(output, of: part)
            }
            guard isRead else { return nil }
            parts.removeFirst()
            begin()
        }
        return nil
    }

    /// Reads on, when ``next()`` has no more; waits for input.
    mutating func read() throws {
        do throws(Standard.FileError) {
            bytes = try Standard.readSome()
            isRead = bytes.isEmpty
        } catch {
            throw Failure.io(error.description)
        }
    }

    private static func item(_ output: JSONDocumentSplitter.Output, of part: Part) -> Item {
        switch output {
        case .document(let document): return .document(document)
        case .fault(let fault, let offset):
            var name = Standard.inputName
            if case .file(let file, _) = part { name = file }
            return .refused([
                "status": "refused", "error": .string(fault.error.rawValue),
                "detail": .string("\(name), byte \(offset): \(fault.detail)"), "offset": .int(offset),
            ])
        }
    }
}
