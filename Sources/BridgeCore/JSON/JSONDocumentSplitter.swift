/// Cuts a client's stream into JSON objects: one after the other, in any layout, split anywhere.
///
/// Each object is checked while it arrives. After a fault, reading goes on behind the next line
/// feed. Holds at most one document of the permitted length; a value that is no object is not held
/// at all. Time is linear in the length of the input.
public struct JSONDocumentSplitter: Sendable {
    /// What came out of the stream.
    public enum Output: Equatable, Sendable {
        /// The bytes of a valid object, from `{` to `}`.
        case document([UInt8])
        /// Something else. `offset` is the place of the offending byte (or of the end of input),
        /// counted from 0 at the first byte of the whole stream; for a value that is no object,
        /// where it begins.
        case fault(JSONFault, offset: Int)
    }

    private enum Mode {
        /// White space, then a document.
        case between
        case inside
        /// Everything up to and with a line feed is passed over.
        case skipping
    }

    private static let lineFeed: UInt8 = 0x0A

    /// Most bytes of a document.
    public let maxLength: Int
    /// Most levels of objects and arrays.
    public let maxDepth: Int
    private var mode = Mode.between
    private var scanner: JSONScanner
    private var buffer: [UInt8] = []
    /// Place of the next byte in the stream.
    private var position = 0
    /// Where the present document begins.
    private var begin = 0
    private var isObject = false

    /// - Parameter maxDepth: 1 to 64.
    public init(maxLength: Int, maxDepth: Int = 64) {
        precondition(maxLength > 0, "a document has at least one byte")
        self.maxLength = maxLength
        self.maxDepth = maxDepth
        scanner = JSONScanner(maxDepth: maxDepth)
    }

    /// Bytes that are held for an unfinished document.
    public var bufferedBytes: Int { buffer.count }

    /// Takes bytes from the front of `input` up to and with the next document or fault.
    ///
    /// Returns nil once `input` is used up; call it again with what comes next.
    public mutating func next(from input: inout ArraySlice<UInt8>) -> Output? {
        while !input.isEmpty {
            switch mode {
            case .skipping:
                guard let end = input.firstIndex(of: Self.lineFeed) else {
                    advance(&input, to: input.endIndex)
                    return nil
                }
                advance(&input, to: end + 1)
                mode = .between
            case .between:
                let first = input.firstIndex { !($0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09) }
                advance(&input, to: first ?? input.endIndex)
                guard let first else { return nil }
                begin = position
                isObject = input[first] == UInt8(ascii: "{")
                scanner = JSONScanner(maxDepth: maxDepth)
                mode = .inside
            case .inside:
                if let output = scan(&input) { return output }
            }
        }
        return nil
    }

    /// The stream has ended. An unfinished document is a fault.
    public mutating func finish() -> Output? {
        guard case .inside = mode else { return nil }
        mode = .skipping
        buffer = []
        if scanner.mayEnd { return .fault(.notAnObject, offset: begin) }
        return .fault(.invalid("the input ended inside a document"), offset: position)
    }

    private mutating func advance(_ input: inout ArraySlice<UInt8>, to index: Int) {
        position += index - input.startIndex
        input = input[index...]
    }

    /// Scans the present document as far as `input` and the length permit.
    private mutating func scan(_ input: inout ArraySlice<UInt8>) -> Output? {
        let permitted = maxLength - (position - begin)
        let limit = min(input.endIndex, input.startIndex + permitted)
        var index = input.startIndex
        while index < limit {
            switch scanner.consume(input[index]) {
            case .more: index += 1
            case .complete:
                let bytes = input[..<(index + 1)]
                advance(&input, to: index + 1)
                guard isObject else { return notAnObject() }
                mode = .between
                if buffer.isEmpty { return .document(Array(bytes)) }
                buffer += bytes
                defer { buffer = [] }
                return .document(buffer)
            case .completeBefore:
                advance(&input, to: index)
                return notAnObject()
            case .fault(let fault):
                advance(&input, to: index)
                let offset = position
                // The line feed that ends the skipping may be this very byte.
                return fail(fault, offset: offset)
            }
        }
        if isObject { buffer += input[..<limit] }
        advance(&input, to: limit)
        guard position - begin == maxLength else { return nil }
        return fail(.tooLarge(limit: maxLength), offset: position)
    }

    private mutating func notAnObject() -> Output { fail(.notAnObject, offset: begin) }

    private mutating func fail(_ fault: JSONFault, offset: Int) -> Output {
        mode = .skipping
        buffer = []
        return .fault(fault, offset: offset)
    }
}
