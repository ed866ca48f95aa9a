import Testing
import UpsellWire

struct PartitionerAuditTests {
    @Test(
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func murmur2AgreesWithKafka(_ key: String, _ hash: Int32) {
        let expected = Int32((UInt32(bitPattern: hash) & 0x7fff_ffff) % 1_009)
        #expect(withBytes(key) { PartitionerAudit.murmur2Partition(of: $0, 1_009) } == expected)
    }

    @Test(
        arguments: [
            ("123456789", 0xcbf4_3926), ("a", 0xe8b7_be43), ("abc", 0x3524_41c2), ("abcd", 0xed82_cd11),
            ("The quick brown fox jumps over the lazy dog", 0x414f_a339),
        ] as [(String, UInt32)])
    func crc32AgreesWithZlib(_ key: String, _ hash: UInt32) {
        #expect(withBytes(key) { PartitionerAudit.crc32Partition(of: $0, 1_009) } == Int32(hash % 1_009))
    }

    private func audit(_ count: Int, _ place: (String) -> Int32) -> PartitionerAudit {
        var audits = (0..<12).map { PartitionerAudit(partitionCount: 12, partition: $0) }
        for number in 0..<count {
            let key = "acct-\(number)"
            let partition = Int(place(key))
            withBytes(key) { audits[partition].observe(key: $0) }
        }
        var sum = audits[0]
        for audit in audits.dropFirst() { sum.add(audit) }
        return sum
    }

    @Test func theProducersPartitionerIsInferred() {
        let java = audit(2_000) { key in withBytes(key) { PartitionerAudit.murmur2Partition(of: $0, 12) } }
        #expect(java.inferred == .murmur2)
        #expect(java.placedAsInferred == 2_000 && java.placedByOther == 0 && java.placedByNeither == 0)
        let librdkafka = audit(2_000) { key in withBytes(key) { PartitionerAudit.crc32Partition(of: $0, 12) } }
        #expect(librdkafka.inferred == .crc32)
        #expect(librdkafka.placedAsInferred == 2_000 && librdkafka.placedByOther == 0)
    }

    @Test func recordsOfTheOtherPartitionerAreCounted() {
        let mixed = audit(4_000) { key in
            withBytes(key) {
                key.hasSuffix("7")
                    ? PartitionerAudit.crc32Partition(of: $0, 12) : PartitionerAudit.murmur2Partition(of: $0, 12)
            }
        }
        #expect(mixed.inferred == .murmur2)
        // 400 keys end in 7, of which about one in twelve lies where both partitioners put it.
        #expect((330...400).contains(mixed.placedByOther))
        #expect(mixed.placedByNeither == 0)
        #expect(mixed.placedAsInferred + mixed.placedByOther == 4_000)
    }

    @Test func keylessRecordsAndOnePartitionSayNothing() {
        var single = PartitionerAudit(partitionCount: 1, partition: 0)
        withBytes("a") { single.observe(key: $0) }
        withBytes("") { single.observe(key: $0) }
        single.observe(key: nil)
        #expect(single.inferred == nil)
        #expect(single.placedAsInferred == 1 && single.keyless == 2)
    }
}
