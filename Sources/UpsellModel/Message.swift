/// Words of a trigger, rendered for one account and one channel.
public struct Message: Sendable, Codable, Equatable {
    /// Name of the template.
    public var key: String
    /// Locale of the words, as `zh-Hant`; numbers and dates follow the account's own locale.
    public var locale: String
    /// One line.
    public var title: String
    public var body: String
    /// What the button says; one line.
    public var callToAction: String?
    /// For people who talk to the account; one line each.
    public var talkingPoints: [String]

    public init(
        key: String, locale: String, title: String, body: String, callToAction: String? = nil,
        talkingPoints: [String] = []
    ) {
        self.key = key
        self.locale = locale
        self.title = title
        self.body = body
        self.callToAction = callToAction
        self.talkingPoints = talkingPoints
    }
}
