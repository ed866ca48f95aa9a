/// Brings requests to the simulated broker and answers back, late, twice or not at all.
package final class SimulatedNetwork {
    package enum Reply<Value> {
        case answer(Result<Value, BrokerError>)
        /// The broker was not ready for it (`NOT_COORDINATOR`, `COORDINATOR_LOAD_IN_PROGRESS`): not executed.
        case refused
        /// The connection broke; whether it was executed is not known.
        case lost
    }

    /// How likely requests meet trouble, in thousandths.
    package struct Weather: Sendable {
        package var refused = 0
        package var answerLost = 0
        package var late = 0

        package init() {}
        package static let calm = Weather()
        package static let rough: Weather = {
            var weather = Weather()
            weather.refused = 8
            weather.answerLost = 8
            weather.late = 4
            return weather
        }()
    }

    package let kafka: SimulatedKafka
    package let scheduler: Scheduler
    package var weather = Weather.calm
    /// Until then no broker answers anybody.
    package var outageUntil = Int64.min
    package var counts = FaultCounts()
    /// Requests sent and answers on their way so far: the places at which a process can die.
    package private(set) var ioSteps = 0
    /// Called at each such place, and may kill the process.
    package var onIOStep: (Int, SimulatedProcess) -> Void = { _, _ in }
    private var random: SimulationRandom

    package init(kafka: SimulatedKafka, scheduler: Scheduler, random: SimulationRandom) {
        self.kafka = kafka
        self.scheduler = scheduler
        self.random = random
    }

    /// Which broker a request goes to.
    package enum Channel { case group, transactions }

    package func isReachable(for process: SimulatedProcess, _ channel: Channel = .group) -> Bool {
        scheduler.now >= outageUntil && scheduler.now >= process.cutUntil
            && (channel == .group || scheduler.now >= process.transactionsCutUntil)
    }

    /// Sends a request that is not a producer's.
    package func call<Value>(
        from process: SimulatedProcess, _ execute: @escaping (SimulatedKafka) throws(BrokerError) -> Value,
        _ done: @escaping (Reply<Value>) -> Void
    ) {
        call(from: process, on: .group, execute, done)
    }

    /// Sends a request.
    ///
    /// A request that is on its way is executed, whatever becomes of its sender.
    package func call<Value>(
        from process: SimulatedProcess, on channel: Channel,
        _ execute: @escaping (SimulatedKafka) throws(BrokerError) -> Value,
        _ done: @escaping (Reply<Value>) -> Void
    ) {
        step(process)
        guard process.isAlive else { return }
        guard isReachable(for: process, channel) else {
            scheduler.schedule(after: random.between(100...600), for: process) { done(.lost) }
            return
        }
        let draw = random.below(1_000)
        if draw < weather.refused {
            counts[.refused] += 1
            scheduler.schedule(after: random.between(1...20), for: process) { done(.refused) }
            return
        }
        if draw < weather.refused + weather.answerLost {
            counts[.answerLost] += 1
            scheduler.schedule(after: random.between(0...4)) { [self] in _ = run(execute) }
            scheduler.schedule(after: random.between(20...800), for: process) { done(.lost) }
            return
        }
        let isLate = draw < weather.refused + weather.answerLost + weather.late
        if isLate { counts[.late] += 1 }
        scheduler.schedule(after: random.between(isLate ? 500...9_000 : 0...4)) { [self] in
            guard scheduler.now >= outageUntil else {
                scheduler.schedule(after: random.between(100...600), for: process) { done(.lost) }
                return
            }
            let result = run(execute)
            guard process.isAlive else { return }
            step(process)
            scheduler.schedule(after: random.between(0...4), for: process) { [self] in
                // The answer met the cut.
                done(isReachable(for: process, channel) ? .answer(result) : .lost)
            }
        }
    }

    private func run<Value>(
        _ execute: (SimulatedKafka) throws(BrokerError) -> Value
    ) -> Result<Value, BrokerError> {
        do throws(BrokerError) { return .success(try execute(kafka)) } catch { return .failure(error) }
    }

    private func step(_ process: SimulatedProcess) {
        ioSteps += 1
        onIOStep(ioSteps, process)
    }
}
