import BridgeCore
import Testing

@Suite struct LocalAnswerTests {
    private static let plain = LocalAnswer.Identity(alinkID: "15")
    private static let tagged = LocalAnswer.Identity(alinkID: nil, tag: Array(#"{"k":[1]}"#.utf8))

    private static func text(_ line: [UInt8]) -> String { String(decoding: line, as: UTF8.self) }

    @Test(
        "Lines have the form the protocol fixes",
        arguments: [
            (LocalAnswer.queued(plain, receipt: 4711), #"{"id":"15","status":"queued","receipt":4711}"#),
            (LocalAnswer.queued(tagged, receipt: 1), #"{"status":"queued","receipt":1,"tag":{"k":[1]}}"#),
            (LocalAnswer.delivered(plain, receipt: 2), #"{"receipt":2,"id":"15","status":"delivered"}"#),
            (
                LocalAnswer.confirmed(plain, receipt: 2, code: 200, data: Array("{ \"a\": 1.0\n}".utf8), message: "ok"),
                #"{"receipt":2,"id":"15","status":"confirmed","code":200,"data":{"a":1.0},"message":"ok"}"#
            ),
            (
                LocalAnswer.confirmed(tagged, receipt: 2, code: -1, data: nil, message: nil),
                #"{"receipt":2,"status":"confirmed","code":-1,"tag":{"k":[1]}}"#
            ),
            (
                LocalAnswer.dropped(plain, receipt: 3, reason: .noReply),
                #"{"receipt":3,"id":"15","status":"dropped","reason":"no-reply"}"#
            ),
            (
                LocalAnswer.refused(LocalRefusal(.invalidTopic, "a \"b\"")),
                #"{"status":"refused","error":"invalid-topic","detail":"a \"b\""}"#
            ),
            (
                LocalAnswer.refused(LocalRefusal(.invalid("why"), offset: 12)),
                #"{"status":"refused","error":"invalid-json","detail":"why","offset":12}"#
            ),
            (LocalAnswer.object(["version": "1"], tag: Array("7".utf8)), #"{"version":"1","tag":7}"#),
            (LocalAnswer.object([:], tag: nil), "{}"),
        ])
    func lines(_ example: (line: [UInt8], text: String)) {
        #expect(Self.text(example.line) == example.text + "\n")
    }

    @Test("Answers keep the order of requests; later lines wait for nothing else")
    func order() {
        var queue = AnswerQueue()
        let tickets = (0..<4).map { _ in queue.open() }
        #expect(queue.add([2], to: tickets[2]).isEmpty)
        #expect(queue.add([1], to: tickets[1]).isEmpty)
        #expect(queue.add([11], to: tickets[1]).isEmpty)
        #expect(queue.count == 4)
        #expect(queue.add([0], to: tickets[0]) == [0, 1, 11, 2])
        #expect(queue.add([22], to: tickets[2]) == [22])
        #expect(!queue.isEmpty)
        #expect(queue.add([3], to: tickets[3]) == [3])
        #expect(queue.isEmpty)
        let late = queue.open()
        #expect(queue.add([4], to: late) == [4])
    }
}
