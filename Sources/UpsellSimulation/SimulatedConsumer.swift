/// A member of the group as librdkafka 2.0.2 behaves with `cooperative-sticky` and a static instance id.
///
/// Heartbeats and rounds of joining go on in the background; what the group decides is handed out by `nextEvent`, as
/// inside a poll, and a revocation waits for `gaveBack`.
package final class SimulatedConsumer {
    enum Event: Equatable {
        case assigned([Int32])
        case revoked([Int32], isLost: Bool)
        /// Another process has our instance id.
        case fenced
    }

    private let group: String
    private let instance: String
    private let process: SimulatedProcess
    private let network: SimulatedNetwork
    private let sessionTimeout: Int64

    private(set) var memberID: String?
    private(set) var generation: Int32 = -1
    /// What the application was given and has not given back.
    private(set) var owned: [Int32] = []
    private var events: [Event] = []
    private var isClosed = false
    private var isStable = false
    /// The assignment is lost, and the application does not know yet.
    private var isLost = false
    /// Revocations that the application has not answered yet.
    private var revocations = 0
    private var lastContact: Int64
    /// Tells answers to a former round of joining from this one's.
    private var round = 0

    init(group: String, instance: String, process: SimulatedProcess, network: SimulatedNetwork, sessionTimeout: Int64) {
        self.group = group
        self.instance = instance
        self.process = process
        self.network = network
        self.sessionTimeout = sessionTimeout
        lastContact = network.scheduler.now
    }

    func start() {
        join()
        beat()
    }

    /// Of a member in good standing.
    var membership: GroupMetadata? {
        guard !isLost, generation >= 0, let memberID else { return nil }
        return GroupMetadata(generation: generation, member: memberID, instance: instance)
    }

    // MARK: Events

    func nextEvent() -> Event? { events.isEmpty ? nil : events.removeFirst() }

    /// The application has let go of partitions that were revoked.
    func gaveBack(_ partitions: [Int32]) {
        owned.removeAll { partitions.contains($0) }
        revocations -= 1
        guard revocations == 0, !isClosed else { return }
        isLost = false
        join()
    }

    func close(leaving: Bool) {
        isClosed = true
        guard leaving, let memberID else { return }
        network.call(from: process) { [group, instance] kafka throws(BrokerError) in
            try kafka.leave(group, instance: instance, member: memberID)
        } _: { _ in
        }
    }

    // MARK: Joining

    private func join() {
        guard !isClosed else { return }
        round += 1
        isStable = false
        let current = round
        let (member, owned) = (memberID, self.owned)
        network.call(from: process) { [group, instance] kafka throws(BrokerError) in
            try kafka.join(group, instance: instance, member: member, owned: owned)
        } _: { [self] reply in
            guard current == round, !isClosed else { return }
            switch reply {
            case .answer(.success(let id)):
                memberID = id
                lastContact = network.scheduler.now
                sync(current)
            case .answer(.failure(let error)): refused(error)
            case .refused, .lost: again(after: 100, current) { $0.join() }
            }
        }
    }

    private func sync(_ current: Int) {
        guard let memberID else { return }
        network.call(from: process) { [group, instance] kafka throws(BrokerError) in
            try kafka.sync(group, instance: instance, member: memberID)
        } _: { [self] reply in
            guard current == round, !isClosed else { return }
            switch reply {
            case .answer(.success(.waiting)):
                lastContact = network.scheduler.now
                again(after: 40, current) { $0.sync(current) }
            case .answer(.success(.assigned(let generation, let partitions))):
                lastContact = network.scheduler.now
                self.generation = generation
                isStable = true
                adopt(partitions)
            case .answer(.failure(let error)): refused(error)
            case .refused, .lost: again(after: 100, current) { $0.sync(current) }
            }
        }
    }

    private func again(after delay: Int64, _ current: Int, _ body: @escaping (SimulatedConsumer) -> Void) {
        network.scheduler.schedule(after: delay, for: process) { [self] in
            if current == round, !isClosed { body(self) }
        }
    }

    private func adopt(_ partitions: [Int32]) {
        let revoked = owned.filter { !partitions.contains($0) }
        let added = partitions.filter { !owned.contains($0) }
        if !revoked.isEmpty { revoke(revoked, isLost: false) }
        if !added.isEmpty {
            owned += added
            events.append(.assigned(added))
        }
    }

    // MARK: Staying

    private func beat() {
        guard !isClosed else { return }
        network.scheduler.schedule(after: 500, for: process) { [self] in beat() }
        // The client notices by itself that its session must be over (`rd_kafka_cgrp_session_timeout_check`).
        if memberID != nil, network.scheduler.now - lastContact > sessionTimeout { return lose() }
        guard isStable, let memberID else { return }
        let (current, generation) = (round, generation)
        network.call(from: process) { [group, instance] kafka throws(BrokerError) in
            try kafka.heartbeat(group, instance: instance, member: memberID, generation: generation)
        } _: { [self] reply in
            guard current == round, !isClosed else { return }
            switch reply {
            case .answer(.success): lastContact = network.scheduler.now
            case .answer(.failure(let error)): refused(error)
            case .refused, .lost: break
            }
        }
    }

    private func refused(_ error: BrokerError) {
        switch error {
        case .rebalanceInProgress:
            lastContact = network.scheduler.now
            // Whoever has something to give back joins afterwards.
            if revocations == 0 { join() }
        case .fencedInstanceID:
            isClosed = true
            generation = -1
            events.append(.fenced)
        case .unknownMemberID:
            memberID = nil
            lose()
        default: lose()
        }
    }

    private func lose() {
        lastContact = network.scheduler.now
        generation = -1
        isStable = false
        round += 1
        guard !isLost else { return }
        guard !owned.isEmpty else { return join() }
        isLost = true
        revoke(owned, isLost: true)
    }

    private func revoke(_ partitions: [Int32], isLost: Bool) {
        revocations += 1
        events.append(.revoked(partitions, isLost: isLost))
    }
}
