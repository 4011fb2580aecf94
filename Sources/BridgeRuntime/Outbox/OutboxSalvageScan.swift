import GRDB

/// Finds the rows of tables: along their trees, and on pages to which no tree leads any more.
struct SalvageScan {
    let reader: SalvageReader
    /// The first page of each table, as far as the schema can be read.
    private(set) var roots: [String: Int] = [:]
    /// Keys whose rows the trees should have, and do not; by table.
    private(set) var gaps: [String: [ClosedRange<Int64>]] = [:]
    /// The largest key that any tree names.
    private(set) var largestKey: Int64 = 0
    /// Pages whose place is known: of trees, long values, and the list of free ones.
    private var placed: Set<Int>
    /// Whether every free page is known, so that what else is found cannot be long deleted.
    let knowsFreePages: Bool

    init(_ pages: SalvagePages) {
        reader = SalvageReader(pages: pages)
        (placed, knowsFreePages) = pages.free()
        var schema: [String: Int] = [:]
        walk("sqlite_schema", root: 1, isIndex: false) { row in
            guard row.values.count == 5, let kind = String.fromDatabaseValue(row.values[0]), kind == "table",
                let name = String.fromDatabaseValue(row.values[1]), let root = Int.fromDatabaseValue(row.values[3])
            else { return }
            schema[name] = root
        }
        roots = schema
        largestKey = 0
    }

    /// Calls `visit` with each row of a table to which its tree leads.
    mutating func walk(_ table: SalvageTable, _ visit: (SalvageReader.Row) throws -> Void) rethrows {
        try walk(table.name, root: roots[table.name] ?? 0, isIndex: table.isIndex, visit)
    }

    private mutating func walk(
        _ name: String, root: Int, isIndex: Bool, _ visit: (SalvageReader.Row) throws -> Void
    ) rethrows {
        /// Pages to be visited, each with the keys it should hold.
        var ahead: [(page: Int, keys: ClosedRange<Int64>)] = [(root, Int64.min...Int64.max)]
        while let (number, keys) = ahead.popLast() {
            guard let page = reader.page(number), page.kind.isTable != isIndex, placed.insert(number).inserted else {
                gaps[name, default: []].append(keys)
                continue
            }
            try visitRows(page) { row, _ in try visit(row) }
            guard !page.kind.isLeaf else { continue }
            var lower = keys.lowerBound
            for cell in page.cells {
                guard let (child, key) = reader.child(cell, page) else {
                    gaps[name, default: []].append(keys)
                    continue
                }
                if isIndex {
                    ahead.append((child, keys))
                } else if lower <= key {
                    largestKey = max(largestKey, key)
                    ahead.append((child, lower...key))
                    lower = key == .max ? key : key + 1
                } else {
                    gaps[name, default: []].append(keys)
                }
            }
            ahead.append((page.rightmost, min(lower, keys.upperBound)...keys.upperBound))
        }
    }

    private mutating func visitRows(
        _ page: SalvageReader.Page, _ visit: (SalvageReader.Row, _ cell: Int) throws -> Void
    ) rethrows {
        for cell in page.cells {
            guard let row = reader.row(cell, page) else { continue }
            if row.isComplete { placed.formUnion(row.overflow) }
            try visit(row, cell)
        }
    }

    /// Where a row stands that no tree leads to.
    struct Stray {
        let page: Int
        let cell: Int
        let key: Int64
    }

    /// Rows of tables that have gaps, on pages that are nobody's; those of a table fall into its gaps.
    func strays(_ tables: [SalvageTable]) -> [String: [Stray]] {
        let broken = tables.filter { gaps[$0.name] != nil }
        guard !broken.isEmpty else { return [:] }
        var found: [String: [Stray]] = [:]
        for number in 1...max(1, reader.pages.count) where !placed.contains(number) {
            guard let page = reader.page(number), page.kind != .tableInterior else { continue }
            let rows = page.cells.compactMap { cell in reader.row(cell, page).map { (cell, $0) } }
            guard !rows.isEmpty,
                let table = broken.first(where: { table in
                    table.isIndex != page.kind.isTable && rows.allSatisfy { table.values(of: $0.1) != nil }
                })
            else { continue }
            for (cell, row) in rows {
                let isMissed = table.isIndex || gaps[table.name, default: []].contains { $0.contains(row.rowid) }
                // Long values on pages that belong to others by now are of a row that is long gone.
                guard isMissed, placed.isDisjoint(with: row.overflow) else { continue }
                found[table.name, default: []].append(Stray(page: number, cell: cell, key: row.rowid))
            }
        }
        return found
    }

    func row(_ stray: Stray) -> SalvageReader.Row? {
        reader.page(stray.page).flatMap { reader.row(stray.cell, $0) }
    }
}
