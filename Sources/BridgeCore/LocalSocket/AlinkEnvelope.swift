/// An Alink request as a program wrote it, made complete.
struct AlinkEnvelope {
    let id: String
    /// ``AlinkIDs/upcoming`` behind the id, when it was missing.
    let upcomingID: Int64?
    let method: String
    /// The object as given; a missing `id` or `version` stands right behind its opening brace.
    let payload: [UInt8]

    /// - Parameters:
    ///   - document: valid text of an object, from `{` to `}`.
    ///   - index: the members of `document`.
    init(_ document: ArraySlice<UInt8>, _ index: JSONObjectIndex, ids: inout AlinkIDs) throws(LocalRefusal) {
        for name in ["id", "method", "version"] where index.count(of: name) > 1 {
            throw LocalRefusal(.invalidRequest, "\"\(name)\" occurs more than once")
        }
        guard let method = index["method"]?.text else {
            throw LocalRefusal(.invalidMethod, "\"method\" has to be a string")
        }
        self.method = method
        var addition = ""
        if let given = index["id"] {
            guard let text = given.text, AlinkIDs.isValid(text) else {
                throw LocalRefusal(
                    .invalidID, "\"id\" has to be a string of 1 to 10 decimal digits, at most \"4294967295\"")
            }
            id = text
            upcomingID = nil
        } else {
            id = ids.next()
            upcomingID = ids.upcoming
            addition += "\"id\":\"\(id)\","
        }
        if index["version"] == nil { addition += "\"version\":\"1.0\"," }
        payload =
            addition.isEmpty
            ? Array(document) : Array(document.prefix(1)) + addition.utf8 + document.dropFirst()
    }
}
