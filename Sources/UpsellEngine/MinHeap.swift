/// A binary heap with the least element first. Partition queue only.
struct MinHeap<Element: Comparable>: ~Copyable {
    private var heap: ContiguousArray<Element> = []

    var count: Int { heap.count }
    var first: Element? { heap.first }

    mutating func push(_ element: Element) {
        heap.append(element)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// - Returns: nil where there is none.
    mutating func pop() -> Element? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != parent else { return first }
            heap.swapAt(least, parent)
            parent = least
        }
    }

    mutating func removeAll() { heap.removeAll(keepingCapacity: true) }
}
