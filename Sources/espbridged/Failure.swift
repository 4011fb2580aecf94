import ArgumentParser

/// The ends of a command that is not good, as exit statuses of sysexits.h.
enum Failure {
    /// The answer is no; everything about it has been printed.
    static let no = ExitCode(1)

    static let silentUnavailable = ExitCode(69)
    static let silentIO = ExitCode(74)

    static func usage(_ text: String) -> ExitCode { said(text, 64) }
    /// The input is wrong (EX_DATAERR).
    static func data(_ text: String) -> ExitCode { said(text, 65) }
    /// The daemon is not reachable (EX_UNAVAILABLE).
    static func unavailable(_ text: String) -> ExitCode { said(text, 69) }
    /// Input or output failed (EX_IOERR).
    static func io(_ text: String) -> ExitCode { said(text, 74) }
    /// The configuration is wrong (EX_CONFIG); lines that name the file stand by themselves.
    static func configuration(_ lines: [String]) -> ExitCode {
        for line in lines { Standard.write(line + "\n", to: 2) }
        return ExitCode(78)
    }

    private static func said(_ text: String, _ status: Int32) -> ExitCode {
        Standard.complain(text)
        return ExitCode(status)
    }
}
