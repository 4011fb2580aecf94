/// What a host hears of the boot text, which the ROM sends at 74880 baud (115200 on a 40 MHz clock, but modules
/// have 26 MHz).
///
/// The bits are laid out on a time line at the ROM's speed and sampled as the host's UART samples them, so at other
/// speeds the garbage has the length, the high bits and the line feeds that the real one has.
enum BootNoise {
    static let romBaud = 74_880

    /// The text in clear, as the ROM and the second stage boot loader print it.
    static func text(cause: Int) -> String {
        let watchdog = cause == 4 ? "wdt reset\r\n" : ""
        return """
            \r\n ets Jan  8 2013,rst cause:\(cause), boot mode:(3,6)\r\n\r\n\
            \(watchdog)load 0x40100000, len 2592, room 16 \r\ntail 0\r\nchksum 0xf3\r\n\
            load 0x3ffe8000, len 764, room 8 \r\ntail 4\r\nchksum 0x92\r\n\
            load 0x3ffe82fc, len 676, room 4 \r\ntail 0\r\nchksum 0x22\r\ncsum 0x22\r\n\r\n\
            2nd boot version : 1.7(5d6f877)\r\n  SPI Speed      : 40MHz\r\n  SPI Mode       : QIO\r\n\
              SPI Flash Size & Map: 8Mbit(512KB+512KB)\r\njump to run user1 @ 1000\r\n\r\n
            """
    }

    /// The bytes that a UART at `baud` makes of the text.
    static func heard(at baud: Int, cause: Int) -> [UInt8] {
        resample(Array(text(cause: cause).utf8), from: romBaud, to: baud)
    }

    /// What a receiver at `receiving` baud makes of bytes sent without pause at `sending` baud (8N1).
    static func resample(_ bytes: [UInt8], from sending: Int, to receiving: Int) -> [UInt8] {
        guard sending > 0, receiving > 0, sending != receiving else { return bytes }
        var levels: [Bool] = []
        for byte in bytes {
            levels.append(false)
            for bit in 0..<8 { levels.append(byte & (1 << bit) != 0) }
            levels.append(true)
        }
        // Time in units of 1 / (2 * sending * receiving) seconds, so that half a bit of either side is a whole number.
        let sent = 2 * receiving
        let sampled = 2 * sending
        func level(at time: Int) -> Bool {
            let index = time / sent
            return index < levels.count ? levels[index] : true
        }
        var heard: [UInt8] = []
        var index = 0
        while index < levels.count {
            guard !levels[index] else {
                index += 1
                continue
            }
            let start = index * sent
            var byte: UInt8 = 0
            for bit in 0..<8 where level(at: start + sampled * (bit + 1) + sampled / 2) { byte |= 1 << bit }
            heard.append(byte)
            // The receiver looks for the next start bit from the middle of the stop bit on.
            var next = (start + sampled * 9 + sampled / 2) / sent
            while next < levels.count, !levels[next] { next += 1 }
            index = max(next, index + 1)
        }
        return heard
    }
}
