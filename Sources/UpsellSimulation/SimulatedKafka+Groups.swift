/// What a consumer tells with its offsets: who it is, and in which generation.
package struct GroupMetadata: Sendable, Equatable {
    package var generation: Int32
    /// Empty: none.
    package var member: String
    package var instance: String?

    package init(generation: Int32, member: String, instance: String?) {
        self.generation = generation
        self.member = member
        self.instance = instance
    }

    /// What a consumer outside of a group has; accepted into any.
    package static let none = GroupMetadata(generation: -1, member: "", instance: nil)
}

/// A group as its coordinator knows it: members, generation, offsets (`ClassicGroup`, `OffsetMetadataManager`).
struct GroupState {
    struct Member {
        var id: String
        var instance: String
        var sessionEnd: Int64
        /// What it said it owned when it joined, then what it was assigned.
        var owned: [Int32] = []
        var hasJoined = false
        var hasSynced = false
    }

    enum Phase: Equatable {
        case empty
        /// Waits for members to join, at most until this instant.
        case preparing(until: Int64)
        /// The generation is decided; members fetch their part.
        case completing
        case stable
    }

    var phase = Phase.empty
    var generation: Int32 = 0
    /// Ordered by instance id.
    var members: [Member] = []
    /// Partitions of the lead topic.
    var partitions: [Int32] = []
    var offsets: [TopicPartition: CommittedOffset] = [:]
    /// By producer id.
    var pending: [Int64: [TopicPartition: CommittedOffset]] = [:]

    var nextDue: Int64 {
        var due = Int64.max
        if case .preparing(let until) = phase { due = until }
        for member in members { due = min(due, member.sessionEnd) }
        return due
    }

    func position(_ id: String) -> Int? { members.firstIndex { $0.id == id } }

    func validate(_ metadata: GroupMetadata) throws(BrokerError) {
        if metadata.generation < 0, metadata.member.isEmpty, metadata.instance == nil { return }
        if let instance = metadata.instance {
            guard let member = members.first(where: { $0.instance == instance }) else { throw .unknownMemberID }
            guard member.id == metadata.member else { throw .fencedInstanceID }
        }
        guard position(metadata.member) != nil else { throw .unknownMemberID }
        guard metadata.generation == generation else { throw .illegalGeneration }
        if phase == .completing { throw .rebalanceInProgress }
    }

    mutating func settle(_ producer: Int64, isCommit: Bool) {
        guard let settled = pending.removeValue(forKey: producer), isCommit else { return }
        offsets.merge(settled) { $1 }
    }

    /// Shares the partitions out evenly; who has some keeps them, and what has to move is first given to nobody.
    ///
    /// The shape of `CooperativeStickyAssignor`: the old owner gives back, joins again, and then the new one gets it.
    mutating func assign() {
        let least = partitions.count / max(members.count, 1)
        var more = partitions.count % max(members.count, 1)
        var taken: Set<Int32> = []
        var shares: [[Int32]] = members.map { _ in [] }
        // Those who have most keep the odd ones.
        let order = members.indices.sorted { (members[$1].owned.count, $0) < (members[$0].owned.count, $1) }
        var quotas = members.map { _ in least }
        for index in order where more > 0 {
            quotas[index] += 1
            more -= 1
        }
        for index in order {
            for partition in members[index].owned.sorted() where shares[index].count < quotas[index] {
                if taken.insert(partition).inserted { shares[index].append(partition) }
            }
        }
        let owned = Set(members.flatMap(\.owned))
        for partition in partitions where !taken.contains(partition) {
            guard let index = members.indices.first(where: { shares[$0].count < quotas[$0] }) else { continue }
            taken.insert(partition)
            // A place kept for a partition that its owner has to give back first.
            if owned.contains(partition) { quotas[index] -= 1 } else { shares[index].append(partition) }
        }
        for index in members.indices { members[index].owned = shares[index].sorted() }
    }
}

/// What SyncGroup answers.
package enum SyncAnswer: Sendable, Equatable {
    /// The group still waits for members.
    case waiting
    case assigned(generation: Int32, partitions: [Int32])
}

extension SimulatedKafka {
    func put(_ group: GroupState, _ name: String) {
        if groups.updateValue(group, forKey: name) == nil { groupNames.append(name) }
    }

    /// The group's subscription, known here in place of the members' own.
    package func declareGroup(_ name: String, leadTopic: String) {
        var group = groups[name] ?? GroupState()
        group.partitions = Array(0..<partitionCount(leadTopic))
        put(group, name)
    }

    // MARK: Membership

    /// JoinGroup. A known instance with a new process takes over its member and, in a stable group, its assignment; the
    /// old process is fenced by its member id.
    ///
    /// - Parameter member: nil for a process that has not joined yet.
    /// - Returns: the member id to use from now on.
    package func join(
        _ name: String, instance: String, member: String?, owned: [Int32]
    ) throws(BrokerError) -> String {
        var group = groups[name] ?? GroupState()
        defer { put(group, name) }
        let place = group.members.firstIndex { $0.instance == instance }
        guard let member else {
            membersEver += 1
            let id = "\(instance)-\(membersEver)"
            if let place {
                group.members[place].id = id
                group.members[place].sessionEnd = now + settings.sessionTimeout
                group.members[place].hasJoined = true
                group.members[place].hasSynced = false
                // A partition that its former process was to give back would stay without owner for ever: that process
                // can no longer join again, as the protocol has it do.
                let isWhole = group.members.reduce(0) { $0 + $1.owned.count } == group.partitions.count
                if group.phase != .stable || !isWhole {
                    group.members[place].owned = []
                    startRebalance(&group, joined: id)
                    completeJoin(&group)
                }
                return id
            }
            group.members.append(
                GroupState.Member(id: id, instance: instance, sessionEnd: now + settings.sessionTimeout))
            group.members.sort { $0.instance < $1.instance }
            startRebalance(&group, joined: id)
            completeJoin(&group)
            return id
        }
        guard let place else { throw .unknownMemberID }
        guard group.members[place].id == member else { throw .fencedInstanceID }
        group.members[place].sessionEnd = now + settings.sessionTimeout
        group.members[place].owned = owned
        startRebalance(&group, joined: member)
        completeJoin(&group)
        return member
    }

    /// SyncGroup, together with the wait for JoinGroup's answer.
    package func sync(_ name: String, instance: String, member: String) throws(BrokerError) -> SyncAnswer {
        var group = groups[name] ?? GroupState()
        let place = try self.place(group, instance: instance, member: member)
        group.members[place].sessionEnd = now + settings.sessionTimeout
        defer { put(group, name) }
        if case .preparing = group.phase {
            guard group.members[place].hasJoined else { throw .rebalanceInProgress }
            return .waiting
        }
        group.members[place].hasSynced = true
        if group.phase == .completing, group.members.allSatisfy(\.hasSynced) { group.phase = .stable }
        return .assigned(generation: group.generation, partitions: group.members[place].owned)
    }

    /// Heartbeat.
    package func heartbeat(
        _ name: String, instance: String, member: String, generation: Int32
    ) throws(BrokerError) {
        var group = groups[name] ?? GroupState()
        let place = try self.place(group, instance: instance, member: member)
        group.members[place].sessionEnd = now + settings.sessionTimeout
        put(group, name)
        guard generation == group.generation else { throw .illegalGeneration }
        if case .preparing = group.phase { throw .rebalanceInProgress }
    }

    /// LeaveGroup.
    package func leave(_ name: String, instance: String, member: String) throws(BrokerError) {
        var group = groups[name] ?? GroupState()
        let place = try self.place(group, instance: instance, member: member)
        group.members.remove(at: place)
        membersLeft(&group)
        put(group, name)
    }

    private func place(
        _ group: GroupState, instance: String, member: String
    ) throws(BrokerError) -> Int {
        guard let place = group.members.firstIndex(where: { $0.instance == instance }) else { throw .unknownMemberID }
        guard group.members[place].id == member else { throw .fencedInstanceID }
        return place
    }

    private func startRebalance(_ group: inout GroupState, joined member: String) {
        if case .preparing = group.phase {
        } else {
            group.phase = .preparing(until: now + settings.rebalanceTimeout)
            for index in group.members.indices { group.members[index].hasJoined = false }
        }
        if let place = group.position(member) { group.members[place].hasJoined = true }
    }

    private func membersLeft(_ group: inout GroupState) {
        guard !group.members.isEmpty else {
            group.phase = .empty
            return
        }
        if case .preparing = group.phase {
            completeJoin(&group)
        } else {
            startRebalance(&group, joined: "")
        }
    }

    /// Decides the generation once everybody has joined, or when the time is over: static members that have not joined
    /// stay, since only their session ends them.
    private func completeJoin(_ group: inout GroupState) {
        guard case .preparing(let until) = group.phase else { return }
        guard now >= until || group.members.allSatisfy(\.hasJoined) else { return }
        group.generation += 1
        rebalancesCompleted += 1
        group.assign()
        group.phase = .completing
        for index in group.members.indices { group.members[index].hasSynced = !group.members[index].hasJoined }
        if group.members.allSatisfy(\.hasSynced) { group.phase = .stable }
    }

    func expireMembers(of name: String) {
        guard var group = groups[name], group.nextDue <= now else { return }
        let before = group.members.count
        group.members.removeAll { $0.sessionEnd <= now }
        if group.members.count < before {
            sessionsExpired += before - group.members.count
            membersLeft(&group)
        }
        completeJoin(&group)
        put(group, name)
    }

    // MARK: Offsets

    /// OffsetFetch.
    ///
    /// - Parameter isStable: RequireStable: offsets of transactions that are not ended yet are an error.
    /// - Returns: nil where the group has no offset.
    package func fetchOffset(
        _ name: String, _ partition: TopicPartition, isStable: Bool
    ) throws(BrokerError) -> CommittedOffset? {
        guard let group = groups[name] else { return nil }
        if isStable, group.pending.contains(where: { $0.value[partition] != nil }) { throw .unstableOffsetCommit }
        return group.offsets[partition]
    }

    /// Forgets the group's offsets, as `offsets.retention.minutes` after its last member left.
    ///
    /// - Returns: false, and nothing has happened, where it has members or had no offsets.
    @discardableResult
    package func expireOffsets(_ name: String) -> Bool {
        guard var group = groups[name], group.members.isEmpty, group.pending.isEmpty, !group.offsets.isEmpty else {
            return false
        }
        group.offsets = [:]
        put(group, name)
        return true
    }

    /// Generation, and what each instance was assigned in it; for traces and tests.
    package func standing(of name: String) -> (generation: Int32, owners: [String: [Int32]]) {
        guard let group = groups[name] else { return (0, [:]) }
        var owners: [String: [Int32]] = [:]
        for member in group.members { owners[member.instance] = member.owned }
        return (group.generation, owners)
    }
}
