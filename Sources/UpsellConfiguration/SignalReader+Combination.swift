import UpsellModel

/// `all`, `any` and `score`.
extension SignalReader {
    func combination(_ value: Value, _ kind: String) -> CombinationSignal? {
        let isScore = kind == "score"
        let shape = isScore ? "[{name: …, weight: 2, signal: {…}}]" : "[{name: …, signal: {…}}]"
        let section = Section(
            value, keys: isScore ? ["within", "atLeast", "parts"] : ["within", "parts"],
            expected: "{within: 14d, parts: \(shape)}")
        let window = section.required("within", expected: "how long a part counts, as 14d")
        let within = window?.duration(.millisecondsPerMinute...366 * .millisecondsPerDay)
        let least = isScore ? section.required("atLeast", expected: "the least sum of weights that counts") : nil
        let atLeast = least?.integer(1...1_000_000)
        guard let list = section.required("parts", expected: shape) else { return nil }
        let before = catalog.report.complaints.count
        let items = list.list("a list of parts, as \(shape)", max: ConfigurationBounds.partsMax)
        if items.count < 2, catalog.report.complaints.count == before {
            list.complain(
                items.isEmpty ? "no parts" : "one part", expected: "at least two: several signals together",
                at: list.keyMark)
        }
        var names: Set<String> = []
        let parts = items.compactMap { part($0, isScore: isScore, &names) }
        guard parts.count == items.count, catalog.report.complaints.count == before, let within else { return nil }
        guard isScore else { return CombinationSignal(parts: parts, mode: kind == "all" ? .all : .any, window: within) }
        guard let atLeast, let least else { return nil }
        let sum = parts.reduce(Int64(0)) { $0 + $1.weight }
        guard Int64(atLeast) <= sum else {
            least.complain("\(atLeast) is never reached", expected: "at most the sum of the weights, \(sum)")
            return nil
        }
        return CombinationSignal(parts: parts, mode: .score(Int64(atLeast)), window: within)
    }

    private func part(_ value: Value, isScore: Bool, _ names: inout Set<String>) -> CombinationSignal.Part? {
        let section = Section(value, keys: isScore ? ["name", "weight", "signal"] : ["name", "signal"])
        let name = section.required("name", expected: "what the part is called")?.name()
        if let name, !names.insert(name).inserted {
            section["name"]?.complain("part \"\(quoted(name))\" repeated", expected: "each name once")
        }
        var weight = 1
        let isRight = read(section["weight"], &weight) { $0.integer(1...1_000) }
        let expected = "what the part watches for, as {gate: {…}}"
        let signal = section.required("signal", expected: expected).flatMap { read($0, isPart: true) }
        guard let name, let signal, isRight else { return nil }
        return CombinationSignal.Part(name: name, signal: signal, weight: Int64(weight))
    }
}
