internal import CSystemd
internal import Glibc

/// Tells systemd how the service fares (sd_notify(3)). Outside systemd every call does nothing.
///
/// Stateless; every call may come from any thread.
public struct ServiceManager: Sendable {
    /// How often systemd wants `alive()`, or nil without a watchdog. Feed it at half this interval, and only after
    /// proven progress: a call into librdkafka can hang for ever, and then the restart is what helps.
    public let watchdogInterval: Duration?

    public init() {
        var microseconds: UInt64 = 0
        // 0: keep $WATCHDOG_USEC for other readers. Positive result: a watchdog is set and means this process.
        let enabled = unsafe sd_watchdog_enabled(0, &microseconds)
        watchdogInterval = enabled > 0 ? .microseconds(Int64(clamping: microseconds)) : nil
    }

    /// Start-up is over: units that wait for this one may start.
    public func ready(status: String) { notify("READY=1\nSTATUS=\(Self.line(status))") }

    /// A reload has begun; `ready` ends it.
    public func reloading() {
        var spec = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &spec)
        let microseconds = Int64(spec.tv_sec) * 1_000_000 + Int64(spec.tv_nsec) / 1_000
        notify("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
    }

    public func stopping(status: String) { notify("STOPPING=1\nSTATUS=\(Self.line(status))") }

    /// One line for `systemctl status`.
    public func status(_ text: String) { notify("STATUS=\(Self.line(text))") }

    /// Feeds the watchdog.
    public func alive() { notify("WATCHDOG=1") }

    private func notify(_ state: String) { _ = unsafe sd_notify(0, state) }

    /// A newline would begin another assignment.
    private static func line(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
