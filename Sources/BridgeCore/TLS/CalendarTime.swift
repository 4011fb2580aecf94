/// Seconds since 1970, UTC, as the certificate's dates and this machine's clock are compared and shown.
public struct CalendarTime: Comparable, Hashable, Sendable {
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    /// 2025-01-01: a clock that shows an earlier time was never set (a board without a battery begins in 1970).
    public static let floor = CalendarTime(seconds: 1_735_689_600)

    /// Whether a clock that shows this can be right.
    public var isPlausible: Bool { self >= .floor }

    public static func < (left: CalendarTime, right: CalendarTime) -> Bool { left.seconds < right.seconds }

    /// Whole days to `later`; negative when it is earlier.
    public func days(until later: CalendarTime) -> Int64 { (later.seconds - seconds) / 86_400 }
}

extension CalendarTime: CustomStringConvertible {
    /// `2026-11-25 21:15 UTC`
    public var description: String {
        let days = Self.quotient(seconds, 86_400)
        let minutes = (seconds - days * 86_400) / 60
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = Self.date(days: days)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2)) "
            + "\(padded(minutes / 60, 2)):\(padded(minutes % 60, 2)) UTC"
    }

    /// The proleptic Gregorian date so many days after 1970-01-01, reckoned in years that begin with March.
    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = quotient(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let isNextYear = month >= 10
        return (
            yearOfEra + era * 400 + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }

    private static func quotient(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : -((divisor - 1 - number) / divisor)
    }
}
