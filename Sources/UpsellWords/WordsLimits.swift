/// Bounds of templates and of what they render to; each is an error with a place, never a crash or a silent cut.
public enum WordsLimits {
    /// UTF-8 bytes of one template.
    public static let templateBytesMax = 64 * 1_024
    /// UTF-8 bytes of one rendered field, after escaping.
    public static let renderedBytesMax = 64 * 1_024
    /// Sections inside one another, in one template.
    public static let sectionDepthMax = 16
    /// Partials inside one another.
    public static let partialDepthMax = 16
    /// Items of one list that are rendered. A longer one is cut: whoever fills it also gives its full length as a
    /// number, so that the words can say "and 12 more".
    public static let listItemsMax = 100
    /// Steps (tags and pieces of text) of one rendering, which bounds the time that nested lists and partials take.
    public static let stepsMax = 100_000
    /// Code points of one interpolated text; the rest is cut off and replaced by "…".
    public static let valueScalarsMax = 512
    /// Complaints about one template, after which the rest of it is not looked at.
    public static let complaintsMax = 20
}
