import BridgeCore

extension Outbox {
    /// What the process before left.
    struct Inheritance: Sendable {
        var used: OutboxStore.Used
        /// Nil when it ended in order.
        var crash: BrokenConnections.Suspects.Crash?
        var lastEpoch: Int64
        /// ``StagedBatch/serial`` of the next batch.
        var stagingSerial: UInt64 = 1
        /// ``StagingContents/unreadable`` blocks were there.
        var isStagingWorn = false
        /// ``StagingContents/hidden(from:)``
        var hidden: Int64 = 0
        /// SQLite's log may not be on the medium as it was read.
        var isLogDoubtful = false
    }
}
