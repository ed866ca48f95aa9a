import Testing
import UpsellModel

@testable import UpsellEngine

struct IdentityRingTests {
    @Test
    func forgetsTheOldestFirst() {
        var ring = IdentityRing(capacity: 3)
        for identity in [UInt64(1), 2, 3] {
            let isNew = ring.insert(identity, at: 0)
            #expect(isNew)
        }
        var isNew = ring.insert(1, at: 0)
        #expect(!isNew)
        isNew = ring.insert(4, at: 0)
        #expect(isNew)
        isNew = ring.insert(2, at: 0)
        #expect(!isNew)
        isNew = ring.insert(1, at: 0)
        #expect(isNew)
    }

    @Test(arguments: [1, 7, 1000, 5000])
    func agreesWithASetAndAQueue(_ capacity: Int) {
        var ring = IdentityRing(capacity: capacity)
        var known: Set<UInt64> = []
        var queue: [UInt64] = []
        var oldest = 0
        var differences = 0
        for step in 0..<20_000 {
            // Few distinct values with equal low bits, so that clusters form and are closed again.
            let identity = (UInt64(step) &* 0x9e37_79b9_7f4a_7c15 >> 50) << 40 | UInt64(step % 13)
            let isNew = ring.insert(identity, at: Int64(step))
            if isNew != known.insert(identity).inserted { differences += 1 }
            if isNew {
                queue.append(identity)
                if queue.count - oldest > capacity {
                    known.remove(queue[oldest])
                    oldest += 1
                }
            }
        }
        #expect(differences == 0)
        #expect(ring.count == min(capacity, queue.count))
    }

    @Test
    func horizonIsTheTimeOfTheOldestBlock() {
        var ring = IdentityRing(capacity: 4096)
        for step in 0..<4096 { _ = ring.insert(UInt64(step + 1), at: Int64(step)) }
        #expect(ring.horizon == 0)
        for step in 4096..<5200 { _ = ring.insert(UInt64(step + 1), at: Int64(step)) }
        #expect(ring.horizon == 2048)
    }

    @Test
    func resizingKeepsTheNewest() {
        var ring = IdentityRing(capacity: 10)
        for identity in 1...15 { _ = ring.insert(UInt64(identity), at: 0) }
        var smaller = ring.resized(to: 4, at: 0)
        var isNew = smaller.insert(15, at: 0)
        #expect(!isNew)
        isNew = smaller.insert(11, at: 0)
        #expect(isNew)
    }
}

struct AccountTableTests {
    @Test
    func agreesWithADictionary() {
        var table = AccountTable()
        var known: [String: Int] = [:]
        var differences = 0
        for step in 0..<20_000 {
            let name = "acct-\(step * 7919 % 3001)"
            let key = name.utf8.span.bytes
            let hash = StableHash.of(name)
            let number = table.find(hash, key)
            if number != known[name] ?? -1 { differences += 1 }
            if number < 0 {
                known[name] = table.insert(hash, key)
            } else if step % 3 == 0 {
                table.remove(number)
                known[name] = nil
            }
        }
        #expect(differences == 0)
        #expect(table.count == known.count)
        #expect(known.allSatisfy { table.name(of: $0.value) == $0.key })
        #expect(table.numbers <= 3001)
    }

    @Test
    func sameHashIsToldApartByBytes() {
        var table = AccountTable()
        let a = table.insert(5, "a".utf8.span.bytes)
        let b = table.insert(5, "b".utf8.span.bytes)
        #expect(table.find(5, "a".utf8.span.bytes) == a)
        #expect(table.find(5, "b".utf8.span.bytes) == b)
        table.remove(a)
        #expect(table.find(5, "b".utf8.span.bytes) == b)
        #expect(table.find(5, "a".utf8.span.bytes) == -1)
    }
}

struct TimerQueueTests {
    @Test
    func comesInOrderOfTimeThenAccountHash() {
        var queue = TimerQueue()
        var all: [EngineTimer] = []
        for step in 0..<500 {
            let timer = EngineTimer(
                time: Int64(step * 37 % 50), accountHash: UInt64(step * 31 % 17), kind: .bucket, account: Int32(step))
            all.append(timer)
            queue.push(timer)
        }
        var popped: [EngineTimer] = []
        while let timer = queue.pop() { popped.append(timer) }
        #expect(popped == all.sorted { $0 < $1 })
    }
}

struct LayoutTests {
    @Test
    func cellsAndEntriesKeepTheirSize() {
        #expect(MemoryLayout<Cell>.stride == 32)
        #expect(MemoryLayout<Period>.stride == 24)
        #expect(MemoryLayout<SideRecord>.stride <= 72)
    }
}
