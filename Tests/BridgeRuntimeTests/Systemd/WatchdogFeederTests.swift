import Dispatch
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import BridgeRuntime

/// When the service manager hears that the daemon lives, and when it does not.
@Suite("The watchdog's food")
struct WatchdogFeederTests {
    private final class Count {
        var value = 0
    }

    @Test("hours without a cloud: twice in each interval")
    func hours() {
        let loop = EmbeddedEventLoop()
        let count = Count()
        let feeder = WatchdogFeeder(
            every: .seconds(30), eventLoop: loop, makesProgress: { true }, alive: { count.value += 1 })
        loop.advanceTime(by: .hours(5))
        #expect(count.value == 5 * 3600 / 15 + 1)
        feeder.stop()
        loop.advanceTime(by: .hours(1))
        #expect(count.value == 5 * 3600 / 15 + 1)
    }

    @Test("a serial side that stands still is not fed for, until it goes on")
    func standstill() {
        let loop = EmbeddedEventLoop()
        let count = Count()
        let isStuck = Count()
        let feeder = WatchdogFeeder(
            every: .seconds(30), eventLoop: loop, makesProgress: { isStuck.value == 0 }, alive: { count.value += 1 })
        loop.advanceTime(by: .seconds(1))
        isStuck.value = 1
        loop.advanceTime(by: .minutes(10))
        #expect(count.value == 1)
        isStuck.value = 0
        loop.advanceTime(by: .seconds(15))
        #expect(count.value == 2)
        feeder.stop()
    }

    @Test("an event loop that is held up sends nothing; it does again once it runs")
    func blockedLoop() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        let beats = DispatchSemaphore(value: 0)
        let feeder = try loop.submit {
            NIOLoopBound(
                WatchdogFeeder(
                    every: .milliseconds(20), eventLoop: loop, makesProgress: { true }, alive: { beats.signal() }),
                eventLoop: loop)
        }.wait()
        for _ in 0..<3 { #expect(beats.wait(timeout: .now() + 10) == .success) }
        let (isHeld, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        loop.execute {
            isHeld.signal()
            goOn.wait()
        }
        #expect(isHeld.wait(timeout: .now() + 10) == .success)
        // What came before it was held up.
        while beats.wait(timeout: .now()) == .success {}
        #expect(beats.wait(timeout: .now() + .milliseconds(300)) == .timedOut)
        goOn.signal()
        #expect(beats.wait(timeout: .now() + 10) == .success)
        try loop.submit { feeder.value.stop() }.wait()
    }
}
