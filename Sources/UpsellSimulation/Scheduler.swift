/// Virtual time: what is to happen, in the order of its instants; one thread.
package final class Scheduler {
    package private(set) var now: Int64
    /// Events performed so far; the step that a failure names.
    package private(set) var steps = 0
    /// Called before each event, with its instant.
    package var onAdvance: (Int64) -> Void = { _ in }
    private var heap: [Event] = []
    private var serial: UInt64 = 0

    private struct Event {
        var time: Int64
        var serial: UInt64
        var process: SimulatedProcess?
        var body: () -> Void

        func comes(before other: Event) -> Bool { (time, serial) < (other.time, other.serial) }
    }

    /// - Parameter start: first instant, in milliseconds since 1970-01-01 UTC.
    package init(start: Int64) { now = start }

    /// - Parameter process: whose event it is: it does not happen in a dead process, and later in a paused one; nil for
    ///   an event of the world.
    package func schedule(after delay: Int64, for process: SimulatedProcess? = nil, _ body: @escaping () -> Void) {
        push(Event(time: now + max(0, delay), serial: serial, process: process, body: body))
        serial += 1
    }

    /// Performs the next event; false where there is none.
    package func step() -> Bool {
        guard let event = pop() else { return false }
        if let process = event.process {
            guard process.isAlive else { return true }
            if process.pausedUntil > event.time {
                var later = event
                later.time = process.pausedUntil
                push(later)
                return true
            }
        }
        now = max(now, event.time)
        steps += 1
        onAdvance(now)
        event.body()
        return true
    }

    private func push(_ event: Event) {
        heap.append(event)
        var place = heap.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard heap[place].comes(before: heap[parent]) else { break }
            heap.swapAt(place, parent)
            place = parent
        }
    }

    private func pop() -> Event? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < heap.count && heap[child].comes(before: heap[least]) {
                least = child
            }
            guard least != place else { return first }
            heap.swapAt(place, least)
            place = least
        }
    }
}

/// A process of the simulation: what is volatile dies with it.
package final class SimulatedProcess {
    package let name: String
    package private(set) var isAlive = true
    /// Until then nothing of it happens, and nobody tells it afterwards.
    package var pausedUntil = Int64.min
    /// Until then no request leaves it and no answer reaches it.
    package var cutUntil = Int64.min
    /// The same for requests of its producer only: coordinators of groups and of transactions are different brokers.
    package var transactionsCutUntil = Int64.min

    package init(name: String) { self.name = name }

    package func kill() { isAlive = false }
}
