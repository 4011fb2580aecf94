import Glibc

/// The pages of a database file that SQLite may no longer open, with those of its log laid over them.
///
/// The format: https://www.sqlite.org/fileformat2.html (sections 1.3 and 4). Pages are numbered from 1. Of a page that the end
/// of the file cuts off, there is as much as there is.
struct SalvagePages {
    let pageSize: Int
    /// Bytes of a page that belong to its content.
    let usableSize: Int
    /// As the log's last commit says, or as many as the file begins.
    let count: Int
    /// As the log's last commit says.
    private let committedPages: Int?
    /// `PRAGMA user_version`; nil when the header is no good.
    let version: Int?
    private let file: SalvageFile
    private let log: SalvageFile?
    /// Where the log has the newest version of a page.
    private let logged: [Int: Int]

    /// - Parameter path: of the database; the log's name follows from it.
    init?(path: String) {
        guard let file = SalvageFile(path: path) else { return nil }
        self.file = file
        log = SalvageFile(path: path + "-wal")
        let walk = log.map(SalvageLog.init)
        logged = walk?.places ?? [:]
        committedPages = walk?.committedPages
        // The header may be in the log, too, once its frames are known to be good.
        let header = logged[1].flatMap { [log] in log?.read(at: $0, count: 100) } ?? file.read(at: 0, count: 100)
        let isSound = header.count == 100 && header.starts(with: Array("SQLite format 3\0".utf8))
        let named = isSound ? Int(header[16]) << 8 | Int(header[17]) : walk?.pageSize ?? OutboxLayout.pageSize
        let size = named == 1 ? 65_536 : named
        pageSize = size >= 512 && size & (size - 1) == 0 ? size : OutboxLayout.pageSize
        usableSize = pageSize - (isSound ? Int(header[20]) : 0)
        version = isSound ? Int(SalvageBytes.integer(header[60..<64])) : nil
        count = max(committedPages ?? 0, (file.size + pageSize - 1) / pageSize)
    }

    /// The bytes of a page; fewer than ``pageSize`` when the file ends in it, none when it ends before it.
    func page(_ number: Int) -> [UInt8] {
        guard number >= 1, number <= count else { return [] }
        if let place = logged[number], let log { return log.read(at: place, count: pageSize) }
        return file.read(at: (number - 1) * pageSize, count: pageSize)
    }

    /// Whether the file ends before pages that should be there and are not in the log either. SQLite would take them for
    /// zeros, which in the middle of a long payload nobody notices.
    var isCutOff: Bool {
        let last = committedPages ?? (file.size + pageSize - 1) / pageSize
        let whole = file.size / pageSize
        return last > whole && ((whole + 1)...last).contains { logged[$0] == nil }
    }

    /// The numbers of pages that hold nothing, and whether all of them are known (section 1.5).
    func free() -> (pages: Set<Int>, isComplete: Bool) {
        let header = page(1)
        guard version != nil, header.count >= 40 else { return ([], false) }
        let expected = Int(SalvageBytes.integer(header[36..<40]))
        var trunk = Int(SalvageBytes.integer(header[32..<36]))
        var found: Set<Int> = []
        while trunk != 0 {
            let page = page(trunk)
            guard page.count >= 8, found.insert(trunk).inserted else { return (found, false) }
            let leaves = Int(SalvageBytes.integer(page[4..<8]))
            guard leaves <= usableSize / 4 - 2, page.count >= 8 + 4 * leaves else { return (found, false) }
            for index in 0..<leaves {
                found.insert(Int(SalvageBytes.integer(page[(8 + 4 * index)..<(12 + 4 * index)])))
            }
            trunk = Int(SalvageBytes.integer(page[0..<4]))
        }
        return (found, found.count == expected)
    }
}

/// Which frames of a write-ahead log count (section 4.1): those up to the last commit whose salts and sums are right.
private struct SalvageLog {
    /// Where each page's newest version begins in the log.
    private(set) var places: [Int: Int] = [:]
    /// The database's size in pages as of the last commit.
    private(set) var committedPages: Int?
    private(set) var pageSize: Int?

    init(_ log: SalvageFile) {
        let header = log.read(at: 0, count: 32)
        guard header.count == 32 else { return }
        let magic = SalvageBytes.integer(header[0..<4])
        guard magic | 1 == 0x377F_0683 else { return }
        let size = Int(SalvageBytes.integer(header[8..<12]))
        guard size >= 512, size <= 65_536, size & (size - 1) == 0 else { return }
        var sum = Sum(isBigEndian: magic & 1 == 1)
        sum.add(header[0..<24])
        guard sum.fits(header[24..<32]) else { return }
        pageSize = size
        var pending: [Int: Int] = [:]
        var offset = 32
        while true {
            let frame = log.read(at: offset, count: 24 + size)
            guard frame.count == 24 + size, frame[8..<16].elementsEqual(header[16..<24]) else { return }
            sum.add(frame[0..<8])
            sum.add(frame[24...])
            guard sum.fits(frame[16..<24]) else { return }
            pending[Int(SalvageBytes.integer(frame[0..<4]))] = offset + 24
            let pages = Int(SalvageBytes.integer(frame[4..<8]))
            if pages > 0 {
                places.merge(pending) { $1 }
                pending = [:]
                committedPages = pages
            }
            offset += 24 + size
        }
    }

    /// The log's running checksum (section 4.2).
    private struct Sum {
        let isBigEndian: Bool
        private var first: UInt32 = 0
        private var second: UInt32 = 0

        init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

        mutating func add(_ bytes: ArraySlice<UInt8>) {
            bytes.withUnsafeBytes { bytes in
                for place in stride(from: 0, to: bytes.count - 7, by: 8) {
                    first &+= word(bytes, place) &+ second
                    second &+= word(bytes, place + 4) &+ first
                }
            }
        }

        private func word(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt32 {
            let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
            return isBigEndian ? UInt32(bigEndian: word) : UInt32(littleEndian: word)
        }

        func fits(_ bytes: ArraySlice<UInt8>) -> Bool {
            SalvageBytes.integer(bytes.prefix(4)) == first && SalvageBytes.integer(bytes.suffix(4)) == second
        }
    }
}

/// A file that is only read.
final class SalvageFile {
    let size: Int
    private let descriptor: CInt

    init?(path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        size = max(0, lseek(descriptor, 0, SEEK_END))
    }

    deinit { close(descriptor) }

    /// As many bytes as there are; what cannot be read is not there.
    func read(at offset: Int, count: Int) -> [UInt8] {
        let count = max(0, min(count, size - offset))
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                filled += got
            }
        }
    }
}

enum SalvageBytes {
    /// Big-endian.
    static func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
