import Testing

/// The real programs on a real pseudo-terminal, one test after the other.
@Suite("End to end", .serialized)
enum EndToEnd {}
