import BridgeCore
import Foundation
import GRDB

/// What rows of a table look like, by which pages that nothing leads to any more are known.
struct SalvageTable {
    struct Column {
        var name: String
        /// INTEGER, TEXT or BLOB.
        var type: String
        var isRequired: Bool
        /// What a row has that was written before the column was added.
        var initial: DatabaseValue
    }

    let name: String
    let columns: [Column]
    /// Its rows stand in an index (https://www.sqlite.org/withoutrowid.html).
    let isIndex: Bool

    /// The tables of a database, the messages last.
    static func all(_ db: Database) throws -> [SalvageTable] {
        let names = try String.fetchAll(
            db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name = 'message', name")
        return try names.map { name in
            let columns = try Row.fetchAll(db, sql: "PRAGMA table_info(\(name))").map { row in
                let initial: String? = row["dflt_value"]
                return Column(
                    name: row["name"], type: row["type"], isRequired: row["notnull"],
                    initial: initial.flatMap { Int64($0) }?.databaseValue ?? .null)
            }
            let isIndex = try Bool.fetchOne(
                db, sql: "SELECT wr FROM pragma_table_list WHERE name = ?", arguments: [name])
            return SalvageTable(name: name, columns: columns, isIndex: isIndex ?? false)
        }
    }

    /// The values by column, as many as could be read; nil when this is no row of this table.
    func values(of row: SalvageReader.Row) -> [DatabaseValue]? {
        var values = row.values
        guard values.count <= columns.count, !values.isEmpty else { return nil }
        if row.isComplete {
            for column in columns.dropFirst(values.count) {
                guard !column.isRequired || !column.initial.isNull else { return nil }
                values.append(column.initial)
            }
        }
        for (index, column) in columns.prefix(values.count).enumerated() {
            let isKey = index == 0 && !isIndex
            // The record of a row has NULL where its key belongs.
            if isKey, values[0].isNull { values[0] = row.rowid.databaseValue }
            switch values[index].storage {
            case .null: guard !column.isRequired, !isKey else { return nil }
            case .int64(let number):
                guard column.type == "INTEGER" else { return nil }
                guard !OutboxPlausibility.columns.contains(column.name) || OutboxPlausibility.numbers.contains(number)
                else { return nil }
            case .string: guard column.type == "TEXT" else { return nil }
            // A key with U+0000 in it stands there as bytes.
            case .blob: guard column.type == "BLOB" || column.name == "key" else { return nil }
            case .double: return nil
            }
        }
        guard name != "message" || isMessage(values) else { return nil }
        return values
    }

    /// Whether the values fit one another as those of a message do.
    private func isMessage(_ values: [DatabaseValue]) -> Bool {
        guard let sequence: Int64 = value("sequence", values), sequence > 0,
            let qos: Int64 = value("qos", values), 0...1 ~= qos,
            let topic: String = value("topic", values), !topic.isEmpty
        else { return false }
        guard values.count == columns.count else { return true }
        let size: Int64? = value("size", values)
        let payload: Data? = value("payload", values)
        return size == OutboxLimits.cost(topicBytes: topic.utf8.count, payloadBytes: payload?.count ?? 0)
    }

    func value<Value: DatabaseValueConvertible>(_ column: String, _ values: [DatabaseValue]) -> Value? {
        guard let index = columns.firstIndex(where: { $0.name == column }), index < values.count else { return nil }
        return Value.fromDatabaseValue(values[index])
    }
}
