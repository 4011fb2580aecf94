/// The standard topics on which the platform sends to a device.
///
/// With `_ss=1` in the client identifier the server subscribes a device by itself, but to a list that is nowhere
/// complete; so the daemon leaves `_ss` out and subscribes to all it can use. It leaves `ext=1` out as well: without
/// it synchronous services come on `rrpc/request/+`, and nothing comes on `/ext/rrpc/…`.
public enum DownlinkTopics {
    public static func filters(productKey: String, deviceName: String) -> [String] {
        let device = "\(productKey)/\(deviceName)"
        let ofTheThing = [
            // Replies to what the device posts. `+` is one level: batch, history and pack need filters of their own.
            "event/+/post_reply", "event/property/batch/post_reply", "event/property/history/post_reply",
            "event/property/pack/post_reply", "property/desired/get_reply", "property/desired/delete_reply",
            "deviceinfo/update_reply", "deviceinfo/delete_reply", "model/up_raw_reply", "dsltemplate/get_reply",
            "dynamicTsl/get_reply", "config/get_reply", "log/post_reply", "ota/firmware/get_reply",
            // What the cloud asks for.
            "service/property/set", "service/property/get", "service/+", "model/down_raw", "config/push",
            "disable", "enable", "delete",
        ]
        return ofTheThing.map { "/sys/\(device)/thing/\($0)" } + [
            "/sys/\(device)/rrpc/request/+",
            "/ota/device/upgrade/\(device)",
            "/ext/ntp/\(device)/response",
            "/shadow/get/\(device)",
        ]
    }
}
