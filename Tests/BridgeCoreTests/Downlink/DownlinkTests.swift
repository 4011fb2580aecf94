import BridgeCore
import Testing

/// Who takes what the cloud sends, and what the cloud is told.
@Suite("Downlink")
struct DownlinkTests {
    private static let prefix = "/sys/p/d/"

    private func at(_ seconds: Double) -> Moment { .zero + .milliseconds(Int64(seconds * 1000)) }

    private func message(
        _ rest: String, id: String = "7", packet: UInt16? = nil, dup: Bool = false
    ) -> InboundMessage {
        InboundMessage(
            topic: Self.prefix + rest, payload: Array(#"{"id":"\#(id)","params":{}}"#.utf8),
            qos: packet == nil ? .atMostOnce : .atLeastOnce, dup: dup, packetIdentifier: packet)
    }

    private func downlink() -> Downlink { Downlink(prefix: Self.prefix) }

    @Test(
        "what is asked, and where the answer goes",
        arguments: [
            ("thing/service/property/set", CloudRequest.Kind.propertySet, "thing/service/property/set_reply"),
            ("thing/service/reboot", .service, "thing/service/reboot_reply"),
            ("thing/service/motor:stop", .service, "thing/service/motor:stop_reply"),
            ("rrpc/request/123456", .rrpc, "rrpc/response/123456"),
        ])
    func requests(rest: String, kind: CloudRequest.Kind, reply: String) throws {
        let message = message(rest)
        let request = try #require(CloudRequest(topic: message.topic, payload: message.payload, prefix: Self.prefix))
        #expect(request.kind == kind)
        #expect(request.id == "7")
        #expect(request.replyTopic == Self.prefix + reply)
    }

    @Test(
        "what asks nothing",
        arguments: [
            ("thing/event/property/post_reply", #"{"id":"7"}"#), ("thing/config/push", #"{"id":"7"}"#),
            ("thing/service/reboot", "{}"), ("thing/service/reboot", "reboot"), ("thing/service/reboot", "[]"),
            ("thing/service/reboot", #"{"id":""}"#), ("thing/service/reboot", #"{"id":{}"#),
        ])
    func noRequests(rest: String, payload: String) {
        #expect(CloudRequest(topic: Self.prefix + rest, payload: Array(payload.utf8), prefix: Self.prefix) == nil)
    }

    @Test("taken, acknowledged, and answered once")
    func answered() throws {
        var downlink = downlink()
        let effects = downlink.received(message("thing/service/reboot", packet: 3), now: at(0)) { _ in 1 }
        #expect(effects == [.acknowledge(3)])
        let answer = try downlink.answer(id: "7", now: at(100))
        #expect(answer.request.replyTopic == Self.prefix + "thing/service/reboot_reply")
        #expect(answer.expires == nil)
        #expect(throws: Downlink.AnswerError.unknown) { _ = try downlink.answer(id: "7", now: at(100)) }
        downlink.answered(answer.request, isStored: true)
        #expect(throws: Downlink.AnswerError.unknown) { _ = try downlink.answer(id: "7", now: at(100)) }
    }

    @Test("an answer that could not be stored leaves the request as it was")
    func answerRefused() throws {
        var downlink = downlink()
        _ = downlink.received(message("thing/service/reboot"), now: at(0)) { _ in 1 }
        let answer = try downlink.answer(id: "7", now: at(1))
        downlink.answered(answer.request, isStored: false)
        #expect(try downlink.answer(id: "7", now: at(2)).request == answer.request)
    }

    @Test("a synchronous request is answered within its 8 s, or the program is told that it was late")
    func deadline() throws {
        var downlink = downlink()
        _ = downlink.received(message("rrpc/request/1"), now: at(0)) { _ in 1 }
        _ = downlink.received(message("rrpc/request/2", id: "8"), now: at(0)) { _ in 1 }
        let answer = try downlink.answer(id: "7", now: at(3))
        #expect(answer.request.replyTopic == Self.prefix + "rrpc/response/1")
        #expect(answer.expires == .milliseconds(4_500))
        _ = downlink.timePassed(at(9))
        for _ in 0..<2 {
            #expect(throws: Downlink.AnswerError.late) { _ = try downlink.answer(id: "8", now: at(9)) }
        }
        // Nothing is to be done before that is forgotten.
        #expect(downlink.deadline == at(67.5))
    }

    @Test(
        "nobody takes it: 503 when its time is over, and only then the PUBACK",
        arguments: [
            ("thing/service/property/set", 60.0, 60.0), ("thing/service/reboot", 60.0, 60.0),
            ("rrpc/request/1", 7.5, 0.5),
        ])
    func untaken(rest: String, seconds: Double, lasts: Double) throws {
        var downlink = downlink()
        let message = message(rest, packet: 3)
        #expect(downlink.received(message, now: at(0)) { _ in 0 } == [])
        #expect(downlink.deadline == at(seconds))
        #expect(downlink.timePassed(at(seconds - 0.1)) == [])
        let effects = downlink.timePassed(at(seconds))
        let request = try #require(CloudRequest(topic: message.topic, payload: message.payload, prefix: Self.prefix))
        #expect(effects == [.refuse(request, expires: at(lasts) - at(0))])
        #expect(downlink.deadline == nil)
        #expect(downlink.subscribed(now: at(seconds)) { _ in 1 } == [])
        #expect(
            downlink.refused(request, isStored: true, now: at(seconds)) == [
                .untaken(message, request), .acknowledge(3),
            ])
        let refusal = try JSONValue(parsing: request.refusal)
        #expect(refusal["id"] == "7")
        #expect(refusal["code"] == 503)
        #expect(downlink.deadline == nil)
    }

    @Test(
        "a 503 that could not be stored is tried again while the cloud wants it; a program may take the request meanwhile"
    )
    func refusalRefused() throws {
        let message = message("thing/service/reboot", packet: 3)
        let request = try #require(CloudRequest(topic: message.topic, payload: message.payload, prefix: Self.prefix))
        var downlink = downlink()
        _ = downlink.received(message, now: at(0)) { _ in 0 }
        _ = downlink.timePassed(at(60))
        #expect(downlink.refused(request, isStored: false, now: at(61)) == [])
        #expect(downlink.deadline == at(66))
        var other = downlink
        #expect(other.subscribed(now: at(62)) { _ in 1 } == [.acknowledge(3)])
        #expect(downlink.timePassed(at(66)) == [.refuse(request, expires: .seconds(54))])
        #expect(
            downlink.refused(request, isStored: false, now: at(116)) == [
                .unanswered(message, request), .acknowledge(3),
            ])
        #expect(downlink.deadline == nil)
    }

    @Test("a program that comes in time gets what waited, and can answer it")
    func comesLater() throws {
        var downlink = downlink()
        _ = downlink.received(message("thing/service/property/set", packet: 3), now: at(0)) { _ in 0 }
        #expect(downlink.subscribed(now: at(30)) { _ in 0 } == [])
        #expect(downlink.subscribed(now: at(40)) { _ in 1 } == [.acknowledge(3)])
        #expect(try downlink.answer(id: "7", now: at(41)).request.replyTopic.hasSuffix("property/set_reply"))
        #expect(downlink.timePassed(at(60)) == [])
    }

    @Test("what asks nothing and nobody wants is settled at once")
    func unwanted() {
        var downlink = downlink()
        let message = message("thing/config/push", packet: 3)
        #expect(downlink.received(message, now: at(0)) { _ in 0 } == [.untaken(message, nil), .acknowledge(3)])
    }

    @Test("PUBACKs go out in the order of arrival [MQTT-4.6.0-2]")
    func order() {
        var downlink = downlink()
        #expect(downlink.received(message("rrpc/request/1", packet: 3), now: at(0)) { _ in 0 } == [])
        #expect(downlink.received(message("thing/service/a", id: "8", packet: 4), now: at(1)) { _ in 1 } == [])
        guard case .refuse(let request, _) = downlink.timePassed(at(8)).first else {
            Issue.record("no 503")
            return
        }
        let effects = downlink.refused(request, isStored: true, now: at(8))
        #expect(effects.suffix(2) == [.acknowledge(3), .acknowledge(4)])
    }

    @Test("a repetition with DUP is not handed over twice, and acknowledged once it is settled")
    func duplicates() {
        var downlink = downlink()
        var offers = 0
        let first = message("thing/service/a", packet: 3)
        let again = message("thing/service/a", packet: 3, dup: true)
        _ = downlink.received(first, now: at(0)) { _ in
            offers += 1; return 1
        }
        #expect(
            downlink.received(again, now: at(1)) { _ in
                offers += 1; return 1
            } == [.acknowledge(3)])
        #expect(offers == 1)
        let waiting = message("thing/service/b", id: "9", packet: 4)
        let waitingAgain = message("thing/service/b", id: "9", packet: 4, dup: true)
        #expect(downlink.received(waiting, now: at(2)) { _ in 0 } == [])
        #expect(downlink.received(waitingAgain, now: at(3)) { _ in 0 } == [])
        // In another session the identifier may stand for something else.
        downlink.sessionEnded()
        _ = downlink.received(again, now: at(4)) { _ in
            offers += 1; return 1
        }
        #expect(offers == 2)
    }

    @Test("at the end of a session, requests go on waiting; answers still find their way")
    func sessionEnds() throws {
        var downlink = downlink()
        _ = downlink.received(message("thing/service/a", packet: 3), now: at(0)) { _ in 1 }
        _ = downlink.received(message("thing/service/property/set", id: "8", packet: 4), now: at(0)) { _ in 0 }
        _ = downlink.received(message("thing/service/c", id: "9"), now: at(0)) { _ in 0 }
        downlink.sessionEnded()
        #expect(try downlink.answer(id: "7", now: at(1)).request.replyTopic.hasSuffix("thing/service/a_reply"))
        var offered: [String] = []
        _ = downlink.subscribed(now: at(2)) {
            offered.append($0.topic); return 1
        }
        #expect(offered == [Self.prefix + "thing/service/property/set", Self.prefix + "thing/service/c"])
    }

    @Test("a request that waits over the end of a session is refused in its time, with QoS 1 as well")
    func sessionEndsBeforeRefusal() {
        var downlink = downlink()
        let request = message("thing/service/a", id: "9", packet: 4)
        #expect(downlink.received(request, now: at(0)) { _ in 0 } == [])
        downlink.sessionEnded()
        let effects = downlink.timePassed(at(60))
        guard case .refuse(let refused, _)? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(refused.id == "9")
        // Of the session that is over nothing is acknowledged.
        #expect(
            downlink.refused(refused, isStored: true, now: at(61)).allSatisfy {
                if case .acknowledge = $0 { false } else { true }
            })
    }

    @Test("what the server sends again in the next session is the same request, and acknowledged there")
    func sessionKept() {
        var downlink = downlink()
        _ = downlink.received(message("thing/service/a", id: "9", packet: 4), now: at(0)) { _ in 0 }
        downlink.sessionEnded()
        #expect(
            downlink.received(message("thing/service/a", id: "9", packet: 7, dup: true), now: at(5)) { _ in 0 } == [])
        var offers = 0
        let effects = downlink.subscribed(now: at(6)) { _ in
            offers += 1
            return 1
        }
        #expect(offers == 1)
        #expect(effects == [.acknowledge(7)])
    }

    @Test("memory is bounded, whatever the cloud sends")
    func flood() {
        var downlink = downlink()
        var refused = 0
        for number in 0..<10_000 {
            let effects = downlink.received(message("thing/service/a", id: "\(number)"), now: at(0)) { _ in 0 }
            refused += effects.count { if case .refuse = $0 { true } else { false } }
        }
        #expect(refused == 10_000 - 256)
    }
}
