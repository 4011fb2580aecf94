import BridgeCore
import Testing

@Suite("Topics the platform sends on")
struct DownlinkTopicsTests {
    private let filters = DownlinkTopics.filters(productKey: "pk", deviceName: "device")

    @Test(
        "each of these reaches the device",
        arguments: [
            "/sys/pk/device/thing/event/property/post_reply", "/sys/pk/device/thing/event/alarm/post_reply",
            "/sys/pk/device/thing/event/property/batch/post_reply",
            "/sys/pk/device/thing/event/property/history/post_reply",
            "/sys/pk/device/thing/event/property/pack/post_reply", "/sys/pk/device/thing/service/property/set",
            "/sys/pk/device/thing/service/reboot", "/sys/pk/device/rrpc/request/1562283421",
            "/sys/pk/device/thing/property/desired/get_reply", "/sys/pk/device/thing/property/desired/delete_reply",
            "/sys/pk/device/thing/deviceinfo/update_reply", "/sys/pk/device/thing/deviceinfo/delete_reply",
            "/sys/pk/device/thing/config/get_reply", "/sys/pk/device/thing/config/push",
            "/sys/pk/device/thing/ota/firmware/get_reply", "/ota/device/upgrade/pk/device",
            "/ext/ntp/pk/device/response", "/shadow/get/pk/device", "/sys/pk/device/thing/model/down_raw",
            "/sys/pk/device/thing/model/up_raw_reply", "/sys/pk/device/thing/dsltemplate/get_reply",
            "/sys/pk/device/thing/dynamicTsl/get_reply", "/sys/pk/device/thing/disable",
            "/sys/pk/device/thing/enable", "/sys/pk/device/thing/delete",
        ])
    func reached(topic: String) {
        #expect(filters.count { MQTTTopic.matches(filter: $0, name: topic) } == 1, "once, so that it comes once")
    }

    @Test("nothing of another device, and nothing the device itself posts")
    func notReached() {
        let topics = [
            "/sys/pk/other/thing/service/reboot", "/sys/other/device/thing/service/property/set",
            "/sys/pk/device/thing/event/property/post", "/shadow/update/pk/device",
        ]
        for topic in topics {
            #expect(!filters.contains { MQTTTopic.matches(filter: $0, name: topic) }, "\(topic)")
        }
    }

    @Test("all filters are valid, short enough for the platform with the longest names, and few enough")
    func limits() throws {
        let longest = DownlinkTopics.filters(
            productKey: String(repeating: "p", count: 20), deviceName: String(repeating: "d", count: 32))
        for filter in longest {
            try MQTTTopic.checkFilter(filter)
            #expect(filter.utf8.count <= 128)
        }
        #expect(Set(longest).count == longest.count)
        #expect(longest.count <= PlatformRules.subscriptions)
    }
}
