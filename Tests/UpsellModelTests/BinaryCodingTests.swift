import Testing
import UpsellModel

@Suite struct BinaryCodingTests {
    @Test(arguments: [0, 1, 127, 128, 16_383, 16_384, UInt64(UInt32.max), UInt64.max - 1, UInt64.max])
    func unsignedIntegersComeBack(value: UInt64) throws {
        var writer = BinaryWriter()
        writer.put(value)
        writer.put(fixed64: value)
        var reader = BinaryReader(writer.bytes)
        #expect(try reader.unsigned() == value)
        #expect(try reader.fixed64() == value)
        #expect(reader.isAtEnd)
    }

    @Test(arguments: [0, -1, 1, 63, -64, 64, Int64.min, Int64.max])
    func signedIntegersComeBack(value: Int64) throws {
        var writer = BinaryWriter()
        writer.put(signed: value)
        var reader = BinaryReader(writer.bytes)
        #expect(try reader.signed() == value)
        #expect(writer.count == (abs(value < 0 ? ~value : value) < 64 ? 1 : writer.count))
    }

    @Test func textsAndRunsComeBack() throws {
        var writer = BinaryWriter()
        writer.put("Größe")
        writer.put("")
        writer.put(run: [1, 2, 3])
        writer.put(true)
        var reader = BinaryReader(writer.bytes)
        #expect(try reader.text() == "Größe")
        #expect(try reader.text() == "")
        #expect(try Array(reader.run()) == [1, 2, 3])
        #expect(try reader.flag())
        #expect(reader.isAtEnd)
    }

    @Test func everyTruncationIsAnError() throws {
        var writer = BinaryWriter()
        writer.put(UInt64.max)
        writer.put("text")
        writer.put(fixed64: 7)
        for length in 0..<writer.count {
            #expect(throws: BinaryCodingError.self) {
                var reader = BinaryReader(Array(writer.bytes[..<length]))
                _ = try reader.unsigned()
                _ = try reader.text()
                _ = try reader.fixed64()
            }
        }
    }

    @Test func foreignBytesAreErrors() {
        for bytes: [UInt8] in [
            Array(repeating: 0xff, count: 10), [0xff, 0xff, 0xff, 0xff, 0x0f, 1], [2, 0xc3, 0x28],
        ] {
            #expect(throws: BinaryCodingError.self) {
                var reader = BinaryReader(bytes)
                _ = try reader.text()
            }
        }
        #expect(throws: BinaryCodingError.self) {
            var reader = BinaryReader([2])
            _ = try reader.flag()
        }
    }
}
