internal import Dispatch
internal import Glibc
internal import KafkaTransport
internal import Synchronization
internal import UpsellCommandLine
internal import UpsellConfiguration
internal import UpsellRuntime
internal import UpsellTelemetry

/// The daemon as a process: signals, systemd, and how it ends.
final class DaemonProcess: Sendable {
    /// In force; a reload replaces it.
    private let configuration: Mutex<Configuration>
    private let load: @Sendable () throws(ConfigurationComplaints) -> Configuration
    private let log: Log
    private let service = ServiceManager()
    private let signals = TerminationSignals()
    private let failure = Mutex<DaemonError?>(nil)

    /// - Parameter load: reads the configuration anew, for a reload.
    init(
        configuration: Configuration, log: Log,
        load: @escaping @Sendable () throws(ConfigurationComplaints) -> Configuration
    ) {
        self.configuration = Mutex(configuration)
        self.log = log
        self.load = load
    }

    /// Runs until a signal or a failure; blocks.
    ///
    /// A first fencing by the group is no proof of a rival: librdkafka 2.0.2 fences a former membership of its own when it
    /// joins again after the group's coordinator was away (seen). So the daemon joins anew, once; a rival does the same, and
    /// the second fencing within a minute is one.
    func run() -> ExitStatus {
        let feed = WatchdogFeed(service)
        var lastFenced: ContinuousClock.Instant?
        while true {
            let status = runOnce(feed)
            let now = ContinuousClock.now
            let isRepeated = lastFenced.map { now - $0 < .seconds(60) } ?? false
            guard status == .fenced else { return status }
            // Threads of a fenced client may hang; the ordinary exit would wait for them.
            guard !isRepeated, signals.received == nil else { _exit(status.rawValue) }
            lastFenced = now
            failure.withLock { $0 = nil }
            log.warning("Fenced by another member of this slot; joining anew, once")
        }
    }

    private func runOnce(_ feed: WatchdogFeed) -> ExitStatus {
        let ended = DispatchSemaphore(value: 0)
        let daemon = Daemon(
            configuration: configuration.withLock { $0 }, log: log,
            rendering: { [log] in rendering(of: $0, log: log) }, onProgress: { feed.progress() },
            onFailure: { [self] error in
                failure.withLock { $0 = $0 ?? error }
                ended.signal()
            })
        service.status("waiting for Kafka")
        // `start` waits for Kafka, for ever by default: a signal has to end it too.
        let started = DispatchQueue(label: "upselld.start")
        started.async { [self] in
            do throws(DaemonError) {
                try daemon.start()
                service.ready(status: "running")
            } catch {
                failure.withLock { $0 = $0 ?? error }
                ended.signal()
            }
        }
        // Behind the start on its queue: a reload that comes early waits until there is something to reload.
        let hangup = HangupSignal { [self] in started.async { self.reload(daemon) } }
        defer { hangup.cancel() }
        signals.forward(to: ended)
        ended.wait()
        if let number = signals.received {
            service.stopping(status: "finishing what was read")
            log.info("Stopping", [.signal: number == SIGINT ? "SIGINT" : "SIGTERM"])
        }
        let clean = daemon.stop()
        // The start has ended by now, in the ordinary case because of the stop; a hung one is left behind.
        let status = failure.withLock { $0 }.map(report) ?? .done
        if !clean, status != .fenced {
            // Threads of librdkafka may hang; the ordinary exit would wait for them.
            log.warning("The stop was cut short by its deadline")
            _exit(status.rawValue)
        }
        return status
    }

    /// SIGHUP: the files as they are now, all of them or nothing.
    private func reload(_ daemon: Daemon) {
        guard daemon.isRunning else { return log.warning("Not reloaded: the daemon is not running") }
        log.info("Reloading", [.signal: "SIGHUP"])
        service.reloading()
        defer { service.ready(status: "running") }
        do throws(ConfigurationComplaints) {
            let next = try load()
            do throws(ReloadRefusal) {
                try daemon.reload(next)
                configuration.withLock { $0 = next }
            } catch {
                for reason in error.reasons { log.error("Not reloaded", [.reason: .text(reason)]) }
            }
        } catch {
            for complaint in error.complaints {
                log.error("Not reloaded: the configuration is wrong", [.reason: .text(complaint)])
            }
        }
    }

    private func report(_ error: DaemonError) -> ExitStatus {
        // A signal while waiting for Kafka is an ordinary stop.
        if signals.received != nil { return .done }
        switch error {
        case .settings(let complaints):
            for complaint in complaints {
                log.error("A Kafka setting is wrong", [.reason: .text(complaint.description)])
            }
            return .configuration
        case .inputs(let text):
            log.error("The input topics cannot be counted together", [.reason: .text(text)])
            return .configuration
        case .outputs(let text):
            log.error("An output topic cannot take what has to be written", [.reason: .text(text)])
            return .configuration
        case .unavailable(let text):
            log.error("Kafka was not to be had in time", [.reason: .text(text)])
            return .kafkaUnavailable
        case .kafka(_, let kafka):
            log.error("The daemon cannot go on", [.error: .text(error.description)])
            return kafka.code == .fenced || kafka.code == .fencedInstanceID ? .fenced : .internalError
        }
    }
}

/// Feeds systemd's watchdog with proven progress, at most a few times in its interval.
private final class WatchdogFeed: Sendable {
    private let service: ServiceManager
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    init(_ service: ServiceManager) { self.service = service }

    func progress() {
        guard let interval = service.watchdogInterval else { return }
        let now = ContinuousClock.now
        let due = last.withLock { last in
            guard let before = last, now - before < interval / 4 else {
                last = now
                return true
            }
            return false
        }
        if due { service.alive() }
    }
}
