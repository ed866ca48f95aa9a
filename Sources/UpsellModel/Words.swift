/// The text of one template and where it stands, so that a mistake in it can be shown in its file.
public struct TemplateSource: Sendable, Codable, Equatable {
    public var text: String
    public var file: String
    /// Place in the structure of the file: `templates.limit.en.body`.
    public var path: String
    /// Of the text's first character, from 1.
    public var line: Int
    /// Of the text's first character, in code points from 1.
    public var column: Int
    /// Column at which each further line of the text begins; nil where lines of the text are not lines of the file
    /// (folded or escaped text): every place in it is then said to be its beginning.
    public var continuation: Int?

    public init(text: String, file: String, line: Int, column: Int, continuation: Int? = 1, path: String = "") {
        self.text = text
        self.file = file
        self.path = path
        self.line = line
        self.column = column
        self.continuation = continuation
    }
}

/// A file of words as it was read: nothing in it is judged yet. `UpsellWords` compiles and checks it.
public struct WordsSource: Sendable, Codable, Equatable {
    /// What every other locale falls back to.
    public var defaultLocale: String
    /// Name → template.
    public var templates: [String: Template]
    /// Name → locale → text that templates include by `{{> name}}`.
    public var partials: [String: [String: TemplateSource]]

    public init(
        defaultLocale: String = "en", templates: [String: Template] = [:],
        partials: [String: [String: TemplateSource]] = [:]
    ) {
        self.defaultLocale = defaultLocale
        self.templates = templates
        self.partials = partials
    }

    public var isEmpty: Bool { templates.isEmpty }

    /// One thing to say, in several languages.
    public struct Template: Sendable, Codable, Equatable {
        /// Where its name stands; the text is the name.
        public var name: TemplateSource
        /// Locale as written → its words.
        public var locales: [String: Fields]

        public init(name: TemplateSource, locales: [String: Fields]) {
            self.name = name
            self.locales = locales
        }
    }

    /// What is said in one language.
    public struct Fields: Sendable, Codable, Equatable {
        public var title: TemplateSource
        public var body: TemplateSource
        public var callToAction: TemplateSource?
        public var talkingPoints: [TemplateSource]

        public init(
            title: TemplateSource, body: TemplateSource, callToAction: TemplateSource? = nil,
            talkingPoints: [TemplateSource] = []
        ) {
            self.title = title
            self.body = body
            self.callToAction = callToAction
            self.talkingPoints = talkingPoints
        }
    }
}
