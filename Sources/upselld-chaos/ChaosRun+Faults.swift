internal import Foundation

extension ChaosRun {
    /// Whether a failure can be planted now: its victim is healthy, and another instance goes on.
    func isPossible(_ fault: Fault) -> Bool {
        switch fault {
        case .kill, .stop, .restart: victim() != nil
        case .net: site.cluster.views > 0 && victim() != nil
        case .hold: victims.contains { $0.holdsCommits }
        case .scale: isExtraIn ? victims.contains { $0 === extra } : extra?.isRunning == false
        case .brokerRestart, .brokerPause: !isBrokerDown
        }
    }

    /// - Returns: whether the failure hit; what did not is to be planted again.
    func plant(_ fault: Fault) throws -> Bool {
        switch fault {
        case .hold: return victims.first { $0.holdsCommits }.map(killBeforeCommit) ?? false
        case .scale: try scale()
        case .brokerRestart: restartBroker()
        case .brokerPause: pauseBroker()
        case .kill, .stop, .restart, .net:
            guard let victim = victim() else { return false }
            switch fault {
            case .stop: pause(victim)
            case .restart: restart(victim)
            case .net(let kind): try disturb(victim, kind)
            default: kill(victim)
            }
        }
        return true
    }

    /// Healthy instances, but for the last of them.
    private var victims: [Instance] {
        let healthy = site.instances.filter { $0.condition == .running && !$0.isCutOff && $0.isRunning }
        return healthy.count > 1 || options.instances == 1 ? healthy : []
    }

    private func victim() -> Instance? {
        var draw = random
        defer { random = draw }
        // The one that waits before its commits is kept for the kills that need it.
        let needsHold = bag.count(of: .hold) > 0
        let candidates = victims.filter { !($0.holdsCommits && needsHold) }
        return candidates.randomElement(using: &draw)
    }

    private func pick(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &random) }

    private func startLater(_ instance: Instance, within seconds: Double) {
        let pause = pick(0...seconds)
        later(seconds: pause) { [self] in try start(instance) }
    }

    // MARK: Instances

    private func kill(_ victim: Instance) {
        recovery.began("kill", slot: victim.slot, places: watch.places)
        victim.kill()
        startLater(victim, within: 3)
    }

    /// Kills between `send_offsets` and the commit, unless no commit comes within a bound.
    private func killBeforeCommit(_ victim: Instance) -> Bool {
        let places = watch.places
        guard victim.killAtHold(seconds: 10) else { return false }
        recovery.began("kill before commit", slot: victim.slot, places: places)
        startLater(victim, within: 3)
        return true
    }

    private func pause(_ victim: Instance) {
        victim.child?.send(SIGSTOP)
        victim.condition = .stopped
        later(seconds: Double(options.sessionTimeout) / 1_000 + pick(1...4)) {
            victim.child?.send(SIGCONT)
            victim.condition = .running
        }
    }

    private func restart(_ victim: Instance) {
        victim.child?.send(SIGTERM)
        victim.condition = .down
        // Looked at again and again, so that the others go on failing meanwhile.
        awaitEnd(of: victim, since: .now)
    }

    private func awaitEnd(of victim: Instance, since start: ContinuousClock.Instant) {
        later(seconds: 0.05) { [self] in
            if let end = victim.end {
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                report.stopSeconds.append(seconds)
                if !victim.wasStopped(end) { site.violations.report("unclean", "stop of \(victim.slot): \(end)") }
                startLater(victim, within: 3)
            } else if ContinuousClock.now - start > .seconds(40) {
                site.violations.report("unclean", "stop of \(victim.slot): not within 40 s")
                victim.kill()
                startLater(victim, within: 3)
            } else {
                awaitEnd(of: victim, since: start)
            }
        }
    }

    private func scale() throws {
        guard let extra else { return }
        isExtraIn.toggle()
        if isExtraIn {
            try start(extra)
        } else {
            extra.child?.send(SIGTERM)
            extra.condition = .down
            let start = ContinuousClock.now
            awaitRemoval(of: extra, since: start)
        }
    }

    private func awaitRemoval(of instance: Instance, since start: ContinuousClock.Instant) {
        later(seconds: 0.05) { [self] in
            guard instance.isRunning else { return }
            if ContinuousClock.now - start > .seconds(40) {
                site.violations.report("unclean", "stop of \(instance.slot): not within 40 s")
                instance.kill()
            } else {
                awaitRemoval(of: instance, since: start)
            }
        }
    }

    // MARK: Network

    private func disturb(_ victim: Instance, _ kind: NetworkFault) throws {
        let broker =
            site.cluster.brokers > 1 && Bool.random(using: &random)
            ? Int.random(in: 1...site.cluster.brokers, using: &random) : nil
        let amount = kind.amount(&random)
        try site.cluster.disturb(view: victim.view, broker: broker, kind, amount: amount)
        victim.isCutOff = true
        // Some shorter, some longer than the session timeout.
        later(seconds: pick(0.5...Double(options.sessionTimeout) / 1_000 * 1.5)) { [self] in
            try site.cluster.heal(view: victim.view)
            victim.isCutOff = false
        }
    }

    // MARK: Brokers

    private func restartBroker() {
        let broker = Int.random(in: 1...site.cluster.brokers, using: &random)
        let cluster = site.cluster
        isBrokerDown = true
        background.run { try cluster.kill(broker: broker) }
        later(seconds: pick(1...5)) { [self] in
            background.run { try cluster.revive(broker: broker) }
            // Its replicas follow again before the next one goes.
            later(seconds: 10) { self.isBrokerDown = false }
        }
    }

    private func pauseBroker() {
        let broker = Int.random(in: 1...site.cluster.brokers, using: &random)
        let cluster = site.cluster
        isBrokerDown = true
        background.run { try cluster.pause(broker: broker) }
        later(seconds: pick(1...8)) { [self] in
            background.run { try cluster.resume(broker: broker) }
            later(seconds: 10) { self.isBrokerDown = false }
        }
    }
}
