internal import UpsellEngine
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellWire

/// What `ControlReader` and `ControlFeed` do on their thread.
extension SimulatedInstance {
    /// Reads on in the control topic, and hands what is new to every partition.
    func lookAtControl() {
        readControl()
        world.scheduler.schedule(after: random.between(50...400), for: process) { [self] in lookAtControl() }
    }

    private func readControl() {
        let topic = TopicPartition(SimulationTopics.control, 0)
        guard world.network.isReachable(for: process),
            let found = try? world.kafka.fetch(topic, from: controlPosition, .readCommitted, max: 1_000)
        else { return }
        controlPosition = found.next
        var decoder = ControlDecoder()
        for (offset, record) in found.records {
            let value = record.value ?? []
            let recordTime = Timestamp(milliseconds: record.timestamp)
            guard
                let command = unsafe try? decoder.decode(
                    value: value.span.bytes, recordTime: recordTime, offset: offset)
            else { continue }
            let control = ControlRecord(command: command, recordTime: recordTime, value: value)
            controls.append(control)
            for (_, worker) in workers.sorted(by: { $0.key < $1.key }) { worker.enqueue(control) }
        }
    }

    /// A partition has come: first it gets what it lacks.
    func giveControls(to worker: SimulatedWorker) {
        if world.options.plant == .controlsForgotten { return }
        if world.options.plant == .controlsRepeated { worker.state.sabotage = .repeatedControls }
        let first = worker.state.sabotage == nil ? worker.state.engine.nextControl : 0
        for record in controls where record.command.offset >= first { worker.enqueue(record) }
    }
}
