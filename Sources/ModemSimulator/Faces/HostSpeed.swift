import Glibc

/// The speed that the host has set its serial port to: `struct termios2` of the kernel, which knows any speed.
///
/// The numbers are those of asm-generic (x86, ARM, RISC-V); elsewhere the speed is unknown, and never wrong.
enum HostSpeed {
    private static let getSettings: UInt = 0x802C_542A
    private static let setSettings: UInt = 0x402C_542B
    private static let size = 44
    private static let controlFlags = 8
    private static let inputSpeed = 36
    private static let outputSpeed = 40
    private static let speedMask: UInt32 = 0x100F_100F
    private static let other: UInt32 = 0x1000_1000

    /// Bits a second; nil when the kernel does not say.
    static func of(_ descriptor: Int32) -> Int? { settings(descriptor).map { Int(word($0, at: outputSpeed)) } }

    /// Gives the port a speed that it keeps until a host sets another one.
    static func set(_ baud: Int, of descriptor: Int32) {
        guard var bytes = settings(descriptor) else { return }
        put(word(bytes, at: controlFlags) & ~speedMask | other, into: &bytes, at: controlFlags)
        for place in [inputSpeed, outputSpeed] { put(UInt32(baud), into: &bytes, at: place) }
        _ = bytes.withUnsafeMutableBytes { $0.baseAddress.map { ioctl(descriptor, setSettings, $0) } }
    }

    /// Whether a UART at one speed understands the other: half a bit over ten is 5 %, of which each side may use half.
    static func fits(_ one: Int, _ other: Int) -> Bool { abs(one - other) * 40 <= max(one, other) }

    private static func settings(_ descriptor: Int32) -> [UInt8]? {
        #if arch(x86_64) || arch(arm64) || arch(arm) || arch(i386) || arch(riscv64)
            var bytes = [UInt8](repeating: 0, count: size)
            let result = bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { ioctl(descriptor, getSettings, $0) } ?? -1
            }
            return result == 0 ? bytes : nil
        #else
            return nil
        #endif
    }

    private static func word(_ bytes: [UInt8], at place: Int) -> UInt32 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt32.self) }
    }

    private static func put(_ value: UInt32, into bytes: inout [UInt8], at place: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: place, as: UInt32.self) }
    }
}
