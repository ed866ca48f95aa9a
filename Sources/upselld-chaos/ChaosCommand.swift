internal import Foundation

/// Runs the command; gives its exit status.
func chaosCommand(_ arguments: [String]) -> Int32 {
    if arguments.contains("--help") || arguments.contains("-h") {
        FileHandle.standardOutput.write(Data(Options.help.utf8))
        return 0
    }
    let console = Console()
    let interruption = Interruption()
    let signals = [SIGINT, SIGTERM].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { @Sendable in interruption.raise() }
        source.resume()
        return source
    }
    defer { signals.forEach { $0.cancel() } }
    do {
        let options = try Options(arguments)
        return try run(options, console, interruption)
    } catch {
        console.say("\(error)")
        return (error as? ChaosError)?.isUsage == true ? 64 : 70
    }
}

private func run(_ options: Options, _ console: Console, _ interruption: Interruption) throws -> Int32 {
    if options.mode == .plan {
        put(plan(options))
        return 0
    }
    let site = try Site(
        options, console: console, interruption: interruption, views: views(options),
        brokerSettings: options.mode == .expiry ? ExpiryRun.brokerSettings : [])
    var isKept = true
    defer { site.close(keepingFiles: isKept || options.keep) }
    var report: Report
    switch options.mode {
    case .run, .plan: report = try ChaosRun(site)()
    case .failover: report = try FailoverRun(site)()
    case .outage: report = try OutageRun(site)()
    case .slot: report = try SlotRun(site)()
    case .expiry: report = try ExpiryRun(site)()
    }
    report.mode = options.mode.rawValue
    report.seed = options.seed
    report.brokers = options.brokers
    report.seconds["total"] = console.seconds
    report.violations = site.violations.all
    put(report)
    let isBroken = !report.violations.isEmpty
    // Nobody looks into the files of a run that was spoilt on purpose.
    isKept = isBroken && !options.spoil
    console.say(isBroken ? "promises broken: \(report.violations)" : "all promises kept")
    return isBroken ? 1 : 0
}

private func views(_ options: Options) -> Int {
    options.mode == .run && options.faults.net > 0 ? options.instances + (options.faults.scales > 0 ? 1 : 0) : 0
}

/// What the workload comes to, as if all of it lay in the order of its numbers.
private func plan(_ options: Options) -> Report {
    let workload = Site.workload(options)
    var fold = NaiveFold(workload)
    for number in 0..<workload.events {
        let event = workload.event(number)
        fold.apply(event, partition: event.account % workload.partitions, offset: Int64(number))
    }
    var report = Report()
    report.mode = options.mode.rawValue
    report.seed = options.seed
    report.events = workload.events
    report.duplicates = fold.duplicates
    report.late = fold.late
    report.accounts = fold.home.count
    report.triggers.expected = fold.triggers.count
    report.held.expected = fold.held.count
    report.notes["from"] = CivilTime.text(workload.firstDay * CivilTime.dayMilliseconds)
    for (rule, triggers) in Dictionary(grouping: fold.triggers.keys, by: \.rule) {
        report.notes["triggers of \(rule)"] = "\(triggers.count)"
    }
    return report
}

private func put(_ report: Report) { FileHandle.standardOutput.write(Data((report.json + "\n").utf8)) }
