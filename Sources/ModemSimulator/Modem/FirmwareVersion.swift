/// The firmware that a simulated module runs; each is one of the dialects that drivers have to cope with.
public enum FirmwareVersion: String, CaseIterable, Sendable {
    /// NonOS AT 1.3.0 of July 2016, SDK 2.0.0.
    case nonOS13 = "nonos-1.3"
    /// NonOS AT 1.7.5 of October 2021, SDK 3.0.5.
    case nonOS17 = "nonos-1.7"
    /// ESP-AT 2.3.0.0 for ESP8266, on the RTOS SDK.
    case espAT2 = "esp-at-2"
}
