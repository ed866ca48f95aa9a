/// Bounds of what a configuration may hold. Each is far above what a sane one needs and keeps a broken one cheap.
enum ConfigurationBounds {
    /// Bytes of one file.
    static let fileBytesMax = 1 << 20
    /// Nested lists and maps in YAML.
    static let yamlDepthMax = 64
    /// Lists, maps and scalars of one file after aliases are expanded: the budget an anchor bomb meets.
    static let yamlNodesMax = 50_000
    static let metersMax = 256
    static let plansMax = 256
    static let addOnsMax = 256
    static let rulesMax = 1_024
    /// Templates, and partials, of a words file.
    static let templatesMax = 256
    /// Languages of one template.
    static let localesMax = 128
    static let talkingPointsMax = 16
    static let rulesFilesMax = 64
    static let behavioursMax = 1_024
    static let segmentsMax = 256
    /// Parts of one condition and values in its lists, segments it refers to counted in full each time: what one
    /// judgement may cost, and the budget that segments of segments meet.
    static let conditionPartsMax = 4_096
    /// How deep conditions nest, segments in full: judging one descends so far.
    static let conditionDepthMax = 64
    /// Features that one signal listens to or tells of.
    static let signalFeaturesMax = 64
    /// Groups of thresholds beside a limit's own.
    static let variantsMax = 16
    /// Stages of an adoption.
    static let stagesMax = 8
    /// Parts of `all`, `any` or `score`.
    static let partsMax = 16
    /// Instants around a trial's end.
    static let trialDaysMax = 32
    static let channelsMax = 16
    static let stepsMax = 16
    static let resourcesMax = 16
    /// Caps, and triggers that one may let through: their instants are kept for each account.
    static let capsMax = 8
    static let capCountMax = 100
    static let usageTopicsMax = 32
    /// Bytes of a name.
    static let nameBytesMax = 64
    /// Bytes of one text: titles, consequences, messages.
    static let textBytesMax = 4_096
    /// Entries of one list in the catalogue.
    static let listMax = 256
    /// Thresholds on one meter in sum over its rules: they share one 32-bit mask in the engine.
    static let thresholdsOfMeterMax = 32
    /// Limits and thresholds in integers of the meter's scale; leaves room in `Int64` for add-ons and bands.
    static let quantityMax: Int64 = 1_000_000_000_000_000_000
    /// 100,000 % in hundredths.
    static let percentMax: Int64 = 10_000_000
}
