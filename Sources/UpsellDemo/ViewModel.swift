/// What the terminal shows at one moment.
struct ViewModel: Equatable, Sendable {
    /// `a simulated month`, `usage from access.log`.
    var title = ""
    /// Where the stream is: `2025-09-14`, or nothing.
    var place = ""
    var events: Int64 = 0
    var triggers = 0
    var deadLetters: Int64 = 0
    /// Fullest first.
    var gauges: [Gauge] = []
    /// Newest last.
    var lines: [TriggerLine] = []

    /// An account's usage of a meter.
    struct Gauge: Equatable, Sendable {
        var account: String
        var plan: String
        var meter: String
        /// What the usage is counted in: `bytes`.
        var unit: String
        /// In integers of the meter's scale.
        var usage: Int64
        /// nil: unlimited.
        var limit: Int64?

        /// Hundredths of a percent, or nil where there is no limit to be near to.
        var share: Int64? {
            guard let limit, limit > 0 else { return nil }
            let (scaled, overflow) = usage.multipliedReportingOverflow(by: 10_000)
            return overflow ? usage / limit * 10_000 : scaled / limit
        }
    }
}
