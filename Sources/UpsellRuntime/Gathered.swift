internal import Synchronization

/// A list that several queues add to and one reader takes.
final class Gathered<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    func add(_ element: Element) { elements.withLock { $0.append(element) } }
    func add(contentsOf more: [Element]) { elements.withLock { $0 += more } }
    var all: [Element] { elements.withLock { $0 } }

    /// Takes everything and leaves the list empty.
    func take() -> [Element] {
        elements.withLock { elements in
            let all = elements
            elements = []
            return all
        }
    }
}
