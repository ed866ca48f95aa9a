internal import UpsellModel

/// What a history is decided under: meters, plans, rules and policies as plain numbers, which the engine gets as a
/// catalogue and the oracle reads as they are. Instants and durations are milliseconds, plans and meters positions.
package struct EngineScene: Sendable {
    var meters: [MeterShape]
    /// By plan, the ladder's lowest first, then by meter; nil: unlimited. Above all of them stands a plan without limits
    /// that nobody has, so that there is always something to be sold.
    var limits: [[Int64?]]
    /// What one unit of the only add-on adds, by meter.
    var pack: [Int64]
    var rules: [RuleShape]
    var accounts: [AccountShape]
    var grace: Int64
    /// Accounts without profile have plan 0; else they are ignored.
    var hasDefaultPlan: Bool
    var goLive: Int64?
    var qualification = QualificationShape()

    struct MeterShape: Sendable, Equatable {
        var aggregation: Aggregation
        var window: Window

        enum Aggregation: Sendable { case sum, count, latest, max }
        enum Window: Sendable, Equatable {
            case day, week, month
            /// A month that begins on the account's anchor.
            case anniversary
            case lifetime, gauge
            case rolling(days: Int64)
        }

        var isPeriod: Bool {
            switch window {
            case .day, .week, .month, .anniversary: true
            case .lifetime, .gauge, .rolling: false
            }
        }
    }

    /// What does not change about an account.
    struct AccountShape: Sendable {
        var name: String
        /// Milliseconds east of UTC.
        var offset: Int64
        /// Since when it is a customer; anniversaries count from it.
        var anchor: Int64
    }

    struct RuleShape: Sendable {
        var name: String
        /// Changes whenever anything changes that the rule decides by.
        var era: Int
        var meter: Int
        var unit: Unit
        /// Mildest first. Percent in hundredths.
        var thresholds: [Int64]
        var band: Int64
        /// Thresholds of accounts on some plans; the first that has the plan counts.
        var variants: [Variant] = []
        /// Those of all others.
        var base: [Int64]
        var evaluates = false
        var goLive: Int64?
        /// Number of its words.
        var words = 0
        // What the qualification asks.
        var isService = false
        var mode = Mode.live
        var priority = 0
        var cooldown: Int64 = 0
        /// Plans that are meant; nil: all.
        var audience: [Int]?
        var waits = false
        var channels: [String] = []
        var recipient = Seat.admin
        var expiresAfter: Int64 = 14 * 86_400_000

        enum Unit: Sendable { case percent, absolute, remaining }
        enum Mode: Sendable { case live, shadow, paused }
        enum Seat: Sendable { case actor, admin, billing }

        struct Variant: Sendable {
            var plans: [Int]
            var thresholds: [Int64]
        }
    }

    /// Policies of contract §5.
    struct QualificationShape: Sendable {
        var upgradePause: Int64 = 0
        var caps: [Cap] = []
        /// What one record raises competes.
        var competes = false
        var retry: Int64 = 86_400_000
        /// Minutes after local midnight.
        var quiet: (from: Int64, to: Int64, weekends: Bool)?
        /// Hundredths of a percent of the accounts.
        var holdout: Int64?

        struct Cap: Sendable {
            var scope: Scope
            var count: Int
            var window: Int64
            enum Scope: Sendable { case account, recipient, channel }
        }
    }
}

/// An account's profile.
struct EngineProfile: Sendable {
    var plan: Int
    var status = Status.active
    /// By meter; nil: no override.
    var overrides: [Int64?]
    var packs: Int64 = 0
    var packsUntil: Int64?
    var pendingPlan: Int?
    var effectiveAt: Int64 = 0
    var optOut: [String] = []
    var time: Int64

    enum Status: Sendable { case active, trialing, cancelled, cancelling, pastDue, paused }
}

/// A usage record.
struct EngineUsage: Sendable {
    var account: Int
    var readings: [(meter: Int, quantity: Int64)]
    var time: Int64
    var record: Int64
    var flag = Flag.none
    /// Names its identity; an event that comes twice has the number of the first.
    var identity: Int

    enum Flag: Sendable { case none, backfill, snapshot }
}

enum EngineStep: Sendable {
    case usage(EngineUsage)
    case profile(Int, EngineProfile)
    case tick(wall: Int64)
    case reload(EngineScene)
    case control(rule: String, Order)
    case feedback(EngineFeedback)

    enum Order: Sendable { case pause, shadow, resume }
}

/// What somebody makes of one of the account's triggers.
struct EngineFeedback: Sendable {
    var account: Int
    /// Of what went out to the account, counted from the newest.
    var back: Int
    /// Until when; nil: dismissed for the episode.
    var snoozedUntil: Int64?
    var time: Int64
    var identity: Int
}

/// What was said of an account, in words that engine and oracle have in common.
struct EngineSaid: Equatable, CustomStringConvertible {
    var rule: String
    /// nil: it went out.
    var held: HoldReason?
    var crossed: [Int64]
    var current: Int64
    var cause: Trigger.Cause
    var limit: Int64?
    /// Start of the episode that the arming key has.
    var episode: Int64
    var until: Int64?

    var description: String {
        let what = held.map { "held \($0.rawValue)" } ?? "sent"
        let limit = limit.map { "\($0)" } ?? "unlimited"
        return "\(what) \(rule) \(crossed) at \(current) of \(limit), \(cause.rawValue), episode \(episode)"
            + (until.map { " until \($0)" } ?? "")
    }
}
