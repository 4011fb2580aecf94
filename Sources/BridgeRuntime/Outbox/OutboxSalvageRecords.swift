import Foundation
import GRDB

/// Takes b-tree pages apart (https://www.sqlite.org/fileformat2.html sections 1.6 and 2.1), and believes nothing they say.
struct SalvageReader {
    enum Kind: UInt8 {
        case indexInterior = 0x02
        case tableInterior = 0x05
        case indexLeaf = 0x0A
        case tableLeaf = 0x0D

        var isLeaf: Bool { self == .indexLeaf || self == .tableLeaf }
        var isTable: Bool { self == .tableInterior || self == .tableLeaf }
    }

    /// A b-tree page whose header makes sense.
    struct Page {
        let number: Int
        let kind: Kind
        let bytes: [UInt8]
        /// Where its cells begin.
        let cells: [Int]
        /// The last child of an interior page.
        let rightmost: Int
    }

    /// One row: its key in a table, and the values of its record as far as they are there.
    struct Row {
        /// 0 in an index.
        var rowid: Int64
        var values: [DatabaseValue]
        /// The values behind these could not be read: overflow pages are missing or belong to something else.
        var isComplete: Bool
        /// The pages its long values lie on.
        var overflow: [Int]
    }

    let pages: SalvagePages

    func page(_ number: Int) -> Page? {
        let bytes = pages.page(number)
        let start = number == 1 ? 100 : 0
        guard bytes.count >= start + 8, let kind = Kind(rawValue: bytes[start]) else { return nil }
        let headerSize = kind.isLeaf ? 8 : 12
        let count = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
        let array = start + headerSize
        guard array + 2 * count <= min(bytes.count, pages.usableSize) else { return nil }
        var cells: [Int] = []
        cells.reserveCapacity(count)
        for index in 0..<count {
            let place = Int(bytes[array + 2 * index]) << 8 | Int(bytes[array + 2 * index + 1])
            guard place >= array + 2 * count, place < pages.usableSize else { return nil }
            cells.append(place)
        }
        let rightmost = kind.isLeaf ? 0 : Int(SalvageBytes.integer(bytes[(start + 8)..<(start + 12)]))
        return Page(number: number, kind: kind, bytes: bytes, cells: cells, rightmost: rightmost)
    }

    /// The child, and in a table the largest key behind it, that a cell of an interior page names.
    func child(_ cell: Int, _ page: Page) -> (number: Int, key: Int64)? {
        guard cell + 4 < page.bytes.count else { return nil }
        let number = Int(SalvageBytes.integer(page.bytes[cell..<(cell + 4)]))
        guard page.kind.isTable else { return (number, 0) }
        var place = cell + 4
        return Self.varint(page.bytes, &place).map { (number, $0) }
    }

    /// The row that a cell holds; nil when nothing of it makes sense.
    func row(_ cell: Int, _ page: Page) -> Row? {
        guard page.kind != .tableInterior else { return nil }
        var place = cell + (page.kind == .indexInterior ? 4 : 0)
        guard let length = Self.varint(page.bytes, &place), length > 0, length < 1 << 30 else { return nil }
        var rowid: Int64 = 0
        if page.kind == .tableLeaf {
            guard let key = Self.varint(page.bytes, &place) else { return nil }
            rowid = key
        }
        let (payload, overflow) = payload(of: Int(length), at: place, page)
        guard let (values, isComplete) = Self.record(payload, length: Int(length)) else { return nil }
        return Row(rowid: rowid, values: values, isComplete: isComplete, overflow: overflow)
    }

    /// The payload, or its beginning when the rest cannot be had, and the overflow pages it came from.
    private func payload(of length: Int, at place: Int, _ page: Page) -> ([UInt8], [Int]) {
        let usable = pages.usableSize
        let most = page.kind == .tableLeaf ? usable - 35 : (usable - 12) * 64 / 255 - 23
        guard length > most else {
            return (Array(page.bytes.dropFirst(place).prefix(length)), [])
        }
        let least = (usable - 12) * 32 / 255 - 23
        let fitting = least + (length - least) % (usable - 4)
        let local = fitting <= most ? fitting : least
        var payload = Array(page.bytes.dropFirst(place).prefix(local))
        guard payload.count == local, place + local + 4 <= page.bytes.count else { return (payload, []) }
        var next = Int(SalvageBytes.integer(page.bytes[(place + local)..<(place + local + 4)]))
        var chain: [Int] = []
        while payload.count < length {
            let bytes = pages.page(next)
            let wanted = min(length - payload.count, usable - 4)
            // A page of zeros is one that was never written.
            guard bytes.count >= 4 + wanted, !chain.contains(next), bytes.contains(where: { $0 != 0 }) else {
                return (payload, chain)
            }
            payload += bytes[4..<(4 + wanted)]
            chain.append(next)
            next = Int(SalvageBytes.integer(bytes[0..<4]))
            // A chain that goes on after its end, or ends before it, is none.
            guard (next == 0) == (payload.count == length) else { return (Array(payload.prefix(local)), chain) }
        }
        return (payload, chain)
    }

    /// The values of a record, and whether all of them could be read.
    private static func record(_ bytes: [UInt8], length: Int) -> ([DatabaseValue], Bool)? {
        var place = 0
        guard let headerLength = varint(bytes, &place), headerLength >= 1, headerLength <= min(length, bytes.count)
        else { return nil }
        var types: [Int64] = []
        while place < Int(headerLength) {
            guard let type = varint(bytes, &place), type >= 0, type != 10, type != 11 else { return nil }
            types.append(type)
        }
        guard place == Int(headerLength) else { return nil }
        let total = types.reduce(Int64(place)) { $0 &+ Int64(size(of: $1)) }
        guard total == Int64(length) else { return nil }
        var values: [DatabaseValue] = []
        for type in types {
            let size = size(of: type)
            guard place + size <= bytes.count else { return (values, false) }
            guard let value = value(type, bytes[place..<(place + size)]) else { return nil }
            values.append(value)
            place += size
        }
        return (values, true)
    }

    private static func size(of type: Int64) -> Int {
        switch type {
        case 0, 8, 9: 0
        case 1...4: Int(type)
        case 5: 6
        case 6, 7: 8
        default: type > 1 << 31 ? 1 << 31 : Int(type - 12) / 2
        }
    }

    private static func value(_ type: Int64, _ bytes: ArraySlice<UInt8>) -> DatabaseValue? {
        switch type {
        case 0: return .null
        case 1...6:
            let negative: Int64 = (bytes.first ?? 0) & 0x80 != 0 ? -1 : 0
            return bytes.reduce(negative) { $0 << 8 | Int64($1) }.databaseValue
        case 7: return Double(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) }).databaseValue
        case 8: return (0 as Int64).databaseValue
        case 9: return (1 as Int64).databaseValue
        case _ where type % 2 == 0: return Data(bytes).databaseValue
        default: return String(validating: bytes, as: UTF8.self)?.databaseValue
        }
    }

    /// A variable-length integer (section 1.6); nil at the end of what there is.
    private static func varint(_ bytes: [UInt8], _ place: inout Int) -> Int64? {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard place < bytes.count else { return nil }
            let byte = bytes[place]
            place += 1
            if index == 8 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
            value = value << 7 | UInt64(byte & 0x7F)
            if byte < 0x80 { break }
        }
        return Int64(bitPattern: value)
    }
}
