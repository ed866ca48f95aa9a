/// The one source of chance of a simulation: SplitMix64, so that a seed is a history.
///
/// Period 2⁶⁴, passes BigCrush; Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
package struct SimulationRandom: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// - Parameter bound: 1 or more. The bias of the plain remainder is below 2⁻⁴⁰ for the bounds used here.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    package mutating func between(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// - Parameter thousandths: probability in thousandths; 0 never, 1000 always.
    package mutating func chance(_ thousandths: Int) -> Bool { below(1_000) < thousandths }

    package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// A generator of its own, so that more chance in one place moves nothing in another.
    package mutating func fork() -> SimulationRandom { SimulationRandom(seed: next()) }
}
