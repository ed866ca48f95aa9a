public import UpsellModel

/// The engine's state as bytes: deltas say what changed, slices say all about a part. Format: article "State".
extension PartitionEngine {
    /// Whether the next delta says anything that the last one did not; a tick that moved the clock is a change.
    public var hasChanges: Bool {
        !changed.isEmpty || clock != written.clock || identities.inserted != written.identities
            || written.isCompleteDue || written.isExtensionDue
    }

    /// Whether the next delta has all there is, since a catalogue was adopted: a restore starts there, under that
    /// catalogue, and needs no slice from before.
    public var isCompleteDeltaDue: Bool { written.isCompleteDue }

    /// Appends what changed since the last call.
    ///
    /// The partition's clock and counters; accounts that are gone; absolute after-images of what changed of the others,
    /// by number; identities since then. After `adopt`, all there is (`isCompleteDeltaDue`).
    ///
    /// - Complexity: O(changes), and a pass over one flag an account where many changed.
    public mutating func writeDelta(into writer: inout BinaryWriter) {
        let isComplete = written.isCompleteDue
        writer.put(isComplete)
        writer.put(signed: clock.milliseconds)
        writer.put(signed: lag)
        writer.put(waitingNext)
        var out = StateWriter(exchange(&writer, with: BinaryWriter()), clock: clock)
        if isComplete {
            writePartition(into: &out)
            writeRows(0, of: 1, into: &out)
            identities.writePart(0, of: 1, into: &out)
        } else {
            let numbers = changedNumbers()
            writeErased(numbers, into: &out)
            out.writer.put(count: numbers.reduce(0) { $0 + (accounts.isInUse(Int($1)) ? 1 : 0) })
            var next = 0
            for number in numbers where accounts.isInUse(Int(number)) {
                out.writer.put(count: Int(number) - next)
                next = Int(number) + 1
                writeRow(Int(number), isFull: flags[Int(number)] & Self.newMark != 0, into: &out)
            }
            identities.write(from: written.identities, into: &out)
        }
        if written.isExtensionDue || (isComplete && hasExtension) { writeExtension(into: &out) }
        writer = exchange(&out.writer, with: BinaryWriter())
        clearMarks()
    }

    /// Appends everything about the accounts whose number is `index` modulo `count`, and one part of the identities.
    ///
    /// Called right after `writeDelta`, whose marks it takes for granted; changes nothing.
    public func writeSlice(_ index: Int, of count: Int, into writer: inout BinaryWriter) {
        precondition(!hasChanges, "a slice is written right after a delta")
        precondition(count > 0 && (0..<count).contains(index), "slice \(index) of \(count)")
        writer.put(count: index)
        writer.put(count: count)
        writer.put(signed: clock.milliseconds)
        var out = StateWriter(exchange(&writer, with: BinaryWriter()), clock: clock)
        if index == 0 { writePartition(into: &out) }
        writeRows(index, of: count, into: &out)
        identities.writePart(index, of: count, into: &out)
        if index == 0, hasExtension { writeExtension(into: &out) }
        writer = exchange(&out.writer, with: BinaryWriter())
    }

    /// What only a reload changes.
    private func writePartition(into out: inout StateWriter) {
        out.put(optional: lastReload == .min ? nil : lastReload)
        out.writer.put(count: program.rules.count)
        for rule in program.rules { out.put(optional: rule.adoptedAt == .min ? nil : rule.adoptedAt) }
    }

    private var hasExtension: Bool {
        !safety.isEmpty || program.meterAdopted.contains { $0 != .min }
            || program.signals.contains { $0.adoptedAt != .min && !$0.isOfCounters }
    }

    /// What the partition as a whole keeps for signals and dealings. Where there is nothing, and in logs of the first
    /// version, the delta or slice ends before it.
    private func writeExtension(into out: inout StateWriter) {
        out.writer.put(count: program.signals.count)
        // Of limits the rules before say it, so that it does not depend on whether anything else is to be said.
        for signal in program.signals {
            out.put(optional: signal.adoptedAt == .min || signal.isOfCounters ? nil : signal.adoptedAt)
        }
        for adopted in program.meterAdopted { out.put(optional: adopted == .min ? nil : adopted) }
        safety.write(into: &out)
    }

    private func writeRows(_ index: Int, of count: Int, into out: inout StateWriter) {
        let numbers = stride(from: index, to: accounts.numbers, by: count)
        out.writer.put(count: numbers.reduce(0) { $0 + (accounts.isInUse($1) ? 1 : 0) })
        var next = index
        for number in numbers where accounts.isInUse(number) {
            out.writer.put(count: (number - next) / count)
            next = number + count
            writeRow(number, isFull: true, into: &out)
        }
    }

    /// Ascending.
    private mutating func changedNumbers() -> ContiguousArray<Int32> {
        // A pass over the flags is cheaper than sorting once one account in thirty changed.
        if changed.count > flags.count / 32 {
            changed.removeAll(keepingCapacity: true)
            for number in flags.indices where flags[number] & Self.dirtyFlag != 0 { changed.append(Int32(number)) }
        } else {
            changed.sort()
        }
        return changed
    }

    private func writeErased(_ numbers: ContiguousArray<Int32>, into out: inout StateWriter) {
        let erased = numbers.filter { flags[Int($0)] & Self.erasedMark != 0 }
        out.writer.put(count: erased.count)
        var next = 0
        for number in erased {
            out.writer.put(count: Int(number) - next)
            next = Int(number) + 1
        }
    }

    /// Notes that all that is there is written.
    mutating func clearMarks() {
        for number in changed {
            let account = Int(number)
            flags[account] &= ~Self.marks
            for index in account * meterCount..<(account + 1) * meterCount { cells[index].spent &= ~Cell.dirty }
            var side = sideHeads[account]
            while side >= 0 {
                let index = Int(side)
                if sides[index].cell.isDirty {
                    sides[index].cell.spent &= ~Cell.dirty
                    sides[index].extra?.clearMarks()
                }
                side = sides[index].next
            }
            stories[account]?.signals.clearMarks()
        }
        changed.removeAll(keepingCapacity: true)
        written = WrittenMarks(clock: clock, identities: identities.inserted, waiting: waitingNext)
    }
}

extension CounterExtra {
    func clearMarks() {
        if !fresh.isEmpty { fresh = [] }
        rolling?.dirtyHour = .max
        if rolling?.fresh.isEmpty == false { rolling?.fresh = [] }
    }
}
