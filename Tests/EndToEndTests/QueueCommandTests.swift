import Foundation
import Testing

extension EndToEnd {
    @Suite("The outbox, from outside", .serialized)
    struct QueueCommands {
        private func queue(_ arguments: [String], _ bench: Workbench) throws -> (status: Int32, lines: [String]) {
            let command = ["queue", arguments[0], "--config", bench.configurationPath] + arguments.dropFirst()
            return try ChildProgram.run(Programs.espbridged, command)
        }

        /// A daemon without a link, and five messages in its outbox.
        private func waiting() throws -> Workbench {
            let bench = try Workbench(.cloud)
            try bench.disturb("mute on")
            try bench.start()
            let client = try bench.connect()
            for number in 1...5 {
                let post = #"{"id":"\#(number)","params":{"n":\#(number)},"method":"thing.event.property.post"}"#
                #expect(try client.ask(post)["receipt"] as? Int == number)
            }
            return bench
        }

        private func look(_ bench: Workbench) throws {
            let list = try queue(["list"], bench)
            #expect(list.status == 0)
            #expect(list.lines.count == 5)
            #expect(list.lines[0].hasPrefix("1  "))
            #expect(list.lines[0].hasSuffix("thing/event/property/post id 1"))
            #expect(try queue(["list", "--limit", "2"], bench).lines.last == "… and 3 more (--limit)")
            let shown = try queue(["show", "3"], bench)
            #expect(shown.status == 0)
            #expect(shown.lines.first?.contains(#"\"n\":3"#) == true)
            #expect(try queue(["show", "99"], bench).status == 1)
            let verdict = try queue(["verify"], bench)
            #expect(verdict.status == 0)
            #expect(verdict.lines.last == "the books balance")
            let export = try queue(["export"], bench)
            let receipts = try export.lines.map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])["receipt"] as? Int
            }
            #expect(receipts == [1, 2, 3, 4, 5])
        }

        @Test("with the daemon running", .timeLimit(.minutes(1)))
        func running() throws {
            let bench = try waiting()
            try look(bench)
            // The daemon of the configuration is asked, and nobody where there is none.
            let outbox = ["--outbox", bench.folder + "/outbox.db"]
            let elsewhere = ["queue", "purge", "--all", "--config", "/nonexistent"] + outbox
            #expect(try ChildProgram.run(Programs.espbridged, elsewhere).status == 64)
            #expect(try queue(["purge", "2"], bench).lines == ["1 purged"])
            #expect(try queue(["purge", "2"] + outbox, bench).status == 1)
            #expect(try queue(["purge", "2", "--socket", bench.folder + "/none"], bench).status == 69)
            #expect(
                try queue(["show", "2"], bench).lines == [
                    #"{"receipt":2,"id":"2","status":"dropped","reason":"purged"}"#
                ])
            #expect(try queue(["purge", "--all"], bench).lines == ["4 purged"])
            #expect(try bench.number("outbox.waiting") == 0)
            #expect(try bench.number("outbox.dropped.purged") == 5)
        }

        @Test("with the daemon stopped, and it goes on afterwards", .timeLimit(.minutes(1)))
        func stopped() throws {
            let bench = try waiting()
            try bench.killDaemon()
            try look(bench)
            #expect(try queue(["purge", "1", "2"], bench).lines == ["2 purged"])
            try bench.disturb("mute off")
            try bench.startOnline()
            try bench.until("the rest is delivered") { try bench.number("outbox.waiting") == 0 }
            #expect(try bench.number("outbox.delivered") == 3)
        }

        @Test("nothing there: 74, and nothing is made; a wrong configuration: 78", .timeLimit(.minutes(1)))
        func missing() throws {
            let bench = try Workbench(.cloud)
            #expect(try queue(["list"], bench).status == 74)
            #expect(!FileManager.default.fileExists(atPath: bench.folder + "/outbox.db"))
            #expect(try queue(["purge", "--all"], bench).status == 74)
            #expect(!FileManager.default.fileExists(atPath: bench.folder + "/outbox.db"))
            #expect(try queue(["purge"], bench).status == 64)
            try bench.edit("[outbox]", "[outbix]")
            #expect(try queue(["verify"], bench).status == 78)
        }
    }
}
