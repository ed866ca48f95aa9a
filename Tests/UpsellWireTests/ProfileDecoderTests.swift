import Testing
import UpsellModel
import UpsellTesting
import UpsellWire

struct ProfileDecoderTests {
    private func attribute(_ json: String) throws -> Profile.Attribute {
        let read = try profile("{\"plan\":\"basic\",\"attributes\":{\"a\":\(json)}}")
        return try #require(read.attributes.first)
    }

    private func reason(_ members: String) -> RejectionReason? {
        do throws(Rejection) {
            _ = try profile("{\"plan\":\"basic\",\(members)}")
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(
        arguments: [
            ("\"retail\"", ["retail"]), ("\"caf\\u00e9 \\\"x\\\"\"", ["café \"x\""]), ("\"\"", [""]), ("40", ["40"]),
            ("-1.50e2", ["-1.50e2"]), ("true", ["true"]), ("false", ["false"]), ("null", []), ("{\"x\":\"y\"}", []),
            ("[]", []), ("[\"a\",1.0,true,null,[\"deep\"],{\"x\":1},\"b\"]", ["a", "1.0", "true", "b"]),
        ] as [(String, [String])])
    func textsAreWhatConditionsCompare(json: String, texts: [String]) throws {
        #expect(try attribute(json).texts == texts)
    }

    @Test func theJSONStaysAsItWas() throws {
        let read = try attribute("[ \"a\" , 1.50, {\"x\" : null} ]")
        #expect(read == Profile.Attribute(name: "a", json: "[\"a\",1.50,{\"x\":null}]", texts: ["a", "1.50"]))
    }

    @Test func attributesKeepTheirOrder() throws {
        let read = try profile("{\"plan\":\"basic\",\"attributes\":{\"z\":1,\"a\":2,\"m\":3}}")
        #expect(read.attributes.map(\.name) == ["z", "a", "m"])
    }

    @Test func theLongestAttributesAreTakenAndOneMoreIsNot() {
        let text = String(repeating: "x", count: ProfileDecoder.attributeTextBytesMax)
        #expect(reason("\"attributes\":{\"a\":\"\(text)\",\"b\":[\"\(text)\"]}") == nil)
        #expect(reason("\"attributes\":{\"a\":\"\(text)x\"}") == .oversized)
        #expect(reason("\"attributes\":{\"a\":[1,\"\(text)x\"]}") == .oversized)
        let list = Array(repeating: "1", count: ProfileDecoder.attributeElementsMax).joined(separator: ",")
        #expect(reason("\"attributes\":{\"a\":[\(list)]}") == nil)
        #expect(reason("\"attributes\":{\"a\":[\(list),null]}") == .oversized)
        // What no condition reads is not measured: the record's own bound holds.
        #expect(reason("\"attributes\":{\"a\":{\"long\":\"\(text)x\",\"list\":[\(list),1]}}") == nil)
    }

    @Test func shareableNamesAreChecked() throws {
        let read = try profile("{\"plan\":\"basic\",\"shareable\":[\"industry\",\"not there yet\"]}")
        #expect(read.shareable == ["industry", "not there yet"])
        #expect(try profile("{\"plan\":\"basic\",\"shareable\":null}").shareable == [])
        #expect(reason("\"shareable\":[\"\"]") == .wrongType)
        #expect(reason("\"shareable\":[\"a\",\"b\",\"a\"]") == .wrongType)
        #expect(reason("\"shareable\":[1]") == .wrongType)
        #expect(reason("\"shareable\":\"industry\"") == .wrongType)
        let names = (0..<ProfileDecoder.shareableMax).map { "\"a\($0)\"" }.joined(separator: ",")
        #expect(reason("\"shareable\":[\(names)]") == nil)
        #expect(reason("\"shareable\":[\(names),\"one more\"]") == .oversized)
    }
}
