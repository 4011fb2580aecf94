/// The tables of the outbox, as they came to be.
enum OutboxLayout {
    /// Bytes of a page of a new database. A message by itself changes four to six pages, each of which is written twice, to the
    /// log and to the file: with SQLite's usual 4,096 it would wear flash out twice as fast.
    static let pageSize = 1024

    /// In order; `PRAGMA user_version` counts those applied.
    static let all = [
        """
        CREATE TABLE message (
            sequence INTEGER PRIMARY KEY,
            queued_at INTEGER NOT NULL,
            expires_at INTEGER,
            size INTEGER NOT NULL,
            qos INTEGER NOT NULL,
            alink_id TEXT,
            topic TEXT NOT NULL,
            payload BLOB NOT NULL
        );
        CREATE INDEX message_by_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;
        CREATE TABLE taken_key (
            key TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL,
            taken_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE ledger (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            received INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            waiting INTEGER NOT NULL,
            bytes INTEGER NOT NULL
        );
        CREATE TABLE ledger_dropped (
            reason TEXT PRIMARY KEY,
            messages INTEGER NOT NULL
        ) WITHOUT ROWID;
        INSERT INTO ledger VALUES (1, 0, 0, 0, 0);
        """,
        // What became of messages that left: 1 delivered, 2 confirmed, 3 dropped.
        """
        CREATE INDEX message_by_id ON message (alink_id) WHERE alink_id IS NOT NULL;
        CREATE TABLE receipt (
            sequence INTEGER PRIMARY KEY,
            left_at INTEGER NOT NULL,
            outcome INTEGER NOT NULL,
            alink_id TEXT,
            topic TEXT NOT NULL,
            reason TEXT,
            code INTEGER,
            data BLOB,
            note TEXT
        );
        CREATE INDEX receipt_by_id ON receipt (alink_id) WHERE alink_id IS NOT NULL;
        """,
        // Turns between programs, repeated messages, poison set aside, ids that no restart repeats.
        """
        CREATE TABLE message_with_sender (
            sequence INTEGER PRIMARY KEY,
            queued_at INTEGER NOT NULL,
            expires_at INTEGER,
            size INTEGER NOT NULL,
            qos INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            program INTEGER NOT NULL,
            connection INTEGER NOT NULL,
            awaits INTEGER NOT NULL,
            fingerprint INTEGER,
            alink_id TEXT,
            topic TEXT NOT NULL,
            payload BLOB NOT NULL
        );
        INSERT INTO message_with_sender
            SELECT sequence, queued_at, expires_at, size, qos, 0, 1, 0, 0, NULL, alink_id, topic, payload FROM message;
        DROP TABLE message;
        ALTER TABLE message_with_sender RENAME TO message;
        CREATE INDEX message_by_turn ON message (epoch, program, connection);
        CREATE INDEX message_by_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;
        CREATE INDEX message_by_id ON message (alink_id) WHERE alink_id IS NOT NULL;
        ALTER TABLE receipt ADD COLUMN program INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE receipt ADD COLUMN connection INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE receipt ADD COLUMN awaits INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE receipt ADD COLUMN fingerprint INTEGER;
        CREATE INDEX receipt_awaiting ON receipt (left_at) WHERE awaits = 1;
        CREATE TABLE set_aside (
            sequence INTEGER PRIMARY KEY,
            left_at INTEGER NOT NULL,
            queued_at INTEGER NOT NULL,
            qos INTEGER NOT NULL,
            alink_id TEXT,
            topic TEXT NOT NULL,
            payload BLOB NOT NULL
        );
        ALTER TABLE ledger ADD COLUMN upcoming_id INTEGER;
        ALTER TABLE ledger ADD COLUMN last_connection INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE ledger ADD COLUMN in_order INTEGER NOT NULL DEFAULT 1;
        """,
        // What came and left while the clock was not set.
        """
        CREATE INDEX message_undated ON message (sequence) WHERE queued_at = 9223372036854775807;
        CREATE INDEX receipt_undated ON receipt (sequence) WHERE left_at = 9223372036854775807;
        """,
        // To which database a staging file belongs.
        """
        ALTER TABLE ledger ADD COLUMN staging INTEGER NOT NULL DEFAULT 0;
        UPDATE ledger SET staging = random();
        """,
    ]
}
