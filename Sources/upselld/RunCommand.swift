internal import Glibc
internal import KafkaTransport
internal import UpsellCommandLine
internal import UpsellConfiguration
internal import UpsellDemo
internal import UpsellEngine
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry

/// Does what the command line says; blocks until it is done.
func runCommand(_ arguments: [String]) -> ExitStatus {
    // A reader that goes away (`| head`) or a broker that closes is an error of that write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    do {
        switch try ArgumentParser.parse(arguments) {
        case .help(let command):
            say(Help.text(for: command))
            return .done
        case .version:
            say(Version.text)
            return .done
        case .check(let arguments): return check(arguments)
        case .run(let arguments): return run(arguments)
        case .demo(let arguments): return demo(arguments)
        case .control(let arguments): return control(arguments)
        }
    } catch {
        complain(error.text)
        return .usage
    }
}

private func say(_ text: String) { put(text, on: STDOUT_FILENO) }
private func complain(_ text: String) { put(text, on: STDERR_FILENO) }

/// `print` would be block-buffered into a pipe and mix with what is written directly.
private func put(_ text: String, on descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let written = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { return }
        bytes = bytes.dropFirst(written)
    }
}

/// Loads the configuration, and asks librdkafka about its part of it: all complaints at once, one a line; nil with any.
private func load(_ arguments: ConfigurationArguments) -> Configuration? {
    review(arguments)?.configuration
}

/// `load`, and what is of doubtful use in it.
private func review(_ arguments: ConfigurationArguments) -> (configuration: Configuration, warnings: [Complaint])? {
    do {
        return try reviewed(arguments)
    } catch {
        for complaint in error.complaints { complain("\(complaint)\n") }
        return nil
    }
}

/// What is wrong with a configuration, a line each.
struct ConfigurationComplaints: Error {
    var complaints: [String]
}

/// The configuration as files and environment are now.
func loaded(_ arguments: ConfigurationArguments) throws(ConfigurationComplaints) -> Configuration {
    try reviewed(arguments).configuration
}

private func reviewed(
    _ arguments: ConfigurationArguments
) throws(ConfigurationComplaints) -> (configuration: Configuration, warnings: [Complaint]) {
    let reviewed: (configuration: Configuration, warnings: [Complaint])
    do throws(ConfigurationError) {
        reviewed = try ConfigurationLoader.review(
            path: arguments.path, overrides: arguments.settings.map { ($0.key, $0.value) },
            environment: environmentVariables())
    } catch {
        throw ConfigurationComplaints(complaints: error.complaints.map(\.description))
    }
    let complaints = ClientSettings(reviewed.configuration).complaints()
    guard complaints.isEmpty else { throw ConfigurationComplaints(complaints: complaints.map(\.description)) }
    return reviewed
}

private func environmentVariables() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = unsafe environ
    while let text = unsafe entry.pointee {
        let parts = unsafe String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        unsafe entry += 1
    }
    return variables
}

private func check(_ arguments: ConfigurationArguments) -> ExitStatus {
    guard let (configuration, warnings) = review(arguments) else { return .configuration }
    for warning in warnings { complain("\(warning)\n") }
    let catalogue = configuration.catalogue
    let order = warnings.isEmpty ? "" : ", with \(warnings.count) warning\(warnings.count == 1 ? "" : "s")"
    say(
        "\(arguments.path): \(catalogue.meters.count) meters, \(catalogue.plans.count) plans, "
            + "\(catalogue.addOns.count) add-ons, \(catalogue.rules.count) rules: all in order\(order)\n")
    guard let path = arguments.against else { return .done }
    var other = arguments
    other.path = path
    guard let running = load(other) else { return .configuration }
    say("\(difference(from: running, at: path, to: configuration, at: arguments.path))\n")
    return .done
}

/// With the engine's own versions, so that it arms anew what is said to, and with what the runtime cannot change.
private func difference(
    from running: Configuration, at runningPath: String, to new: Configuration, at path: String
) -> ConfigurationDifference {
    var new = new
    // A slot made of the file's path differs because of where the draft lies.
    if running.group.slot == ConfigurationLoader.defaultSlot(runningPath),
        new.group.slot == ConfigurationLoader.defaultSlot(path)
    {
        new.group.slot = running.group.slot
    }
    return ConfigurationDifference(
        from: running, to: new,
        versions: .init(ofRule: KeyVersion.ofRule, ofPart: KeyVersion.ofPart, ofMeter: KeyVersion.ofMeter),
        restart: ReloadRefusal.changedKeys(running, new))
}

private func run(_ arguments: ConfigurationArguments) -> ExitStatus {
    guard var configuration = load(arguments) else { return .configuration }
    configuration.acceptsLoss = arguments.acceptsLoss
    let format: Log.Format = configuration.log.format == .json ? .json : .text
    let log = Log(level: level(configuration.log.level), destination: .detected(format: format))
    return DaemonProcess(configuration: configuration, log: log) { () throws(ConfigurationComplaints) in
        try loaded(arguments)
    }.run()
}

/// Writes a command for a rule to the control topic.
private func control(_ arguments: ControlArguments) -> ExitStatus {
    guard let configuration = load(arguments.configuration) else { return .configuration }
    let names = configuration.catalogue.rules.map(\.name)
    guard names.contains(arguments.rule) else {
        let guess = Suggestion.nearest(to: arguments.rule, among: names)
        complain(
            "upselld: no rule '\(arguments.rule)' in the configuration"
                + (guess.map { "; did you mean '\($0)'?" } ?? "") + "\n")
        return .usage
    }
    let action: ControlCommand.Action =
        switch arguments.action {
        case .pause: .pause
        case .resume: .resume
        case .shadow: .shadow
        case .fire(let account): .fireTest(account: account)
        }
    do {
        try ControlSender.send(
            action, rule: arguments.rule, by: userAtHost(), time: WallClock.system.now(), configuration: configuration,
            timeoutMilliseconds: Int(configuration.startTimeout ?? 30_000))
        say("\(configuration.topics.control): written; every partition applies it in its turn\n")
        return .done
    } catch {
        complain("upselld: \(error)\n")
        switch error {
        case .settings, .inputs, .outputs: return .configuration
        case .unavailable: return .kafkaUnavailable
        case .kafka: return .internalError
        }
    }
}

/// Who gives a command: the effective user, whose name may be missing from the user database, and the host.
private func userAtHost() -> String {
    var host = [CChar](repeating: 0, count: 256)
    let hasHost = unsafe gethostname(&host, host.count - 1) == 0
    let name = hasHost ? String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?"
    let user = geteuid()
    guard let entry = unsafe getpwuid(user), let text = unsafe entry.pointee.pw_name else { return "\(user)@\(name)" }
    return unsafe String(cString: text) + "@" + name
}

private func level(_ level: Configuration.Log.Level) -> Log.Level {
    switch level {
    case .error: .error
    case .warning: .warning
    case .info: .info
    case .debug: .debug
    }
}

private func demo(_ arguments: DemoArguments) -> ExitStatus {
    let signals = TerminationSignals()
    let options = Demo.Options(
        accessLogs: arguments.accessLogs, limit: arguments.limit, json: arguments.json, keep: arguments.keep)
    // The pipeline's life cycle, and what librdkafka remarks about the embedded broker, would stand between the demo's
    // own lines; what ends the demo is thrown.
    let log = Log(level: .error, destination: .standardError(.text))
    do {
        _ = try Demo(options: options, log: log, shouldStop: { signals.received != nil }).run()
        return .done
    } catch {
        complain("upselld: \(error)\n")
        // A file that cannot be read is a wrong word on the command line.
        if case .file = error { return .usage }
        return .internalError
    }
}
