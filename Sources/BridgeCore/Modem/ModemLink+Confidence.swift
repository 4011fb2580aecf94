extension ModemLink {
    /// Whether what comes now may hold a password: the echo of a command with one, in whatever pieces.
    public var isConfidential: Bool {
        guard case .chatting = stage else { return false }
        return chat?.command?.isSecret == true
    }
}
