import KafkaTransport
import Testing

@Suite struct ConfigurationTests {
    private let wrong = properties([
        "client.id": "upselld",
        "sesion.timeout.ms": "6000",
        "fetch.wait.max.ms": "soon",
        "security.protocol": "carrier-pigeon",
        "fetch.max.bytes": "-5",
    ])

    @Test func everyWrongKeyAndValueIsReportedWithItsPlace() {
        let complaints = KafkaProperty.complaints(in: wrong)
        #expect(complaints.map(\.place) == ["t.yaml:2", "t.yaml:3", "t.yaml:4", "t.yaml:5"])
        #expect(
            complaints.map(\.name) == [
                "sesion.timeout.ms", "fetch.wait.max.ms", "security.protocol", "fetch.max.bytes",
            ])
        #expect(complaints[0].description == "t.yaml:2: No such configuration property: \"sesion.timeout.ms\"")
        #expect(complaints[1].text.contains("fetch.wait.max.ms"))
        #expect(complaints[2].text.contains("carrier-pigeon"))
    }

    @Test func clientsReportTheSameComplaints() {
        let expected = KafkaProperty.complaints(in: wrong)
        #expect(throws: KafkaConfigurationError(complaints: expected)) {
            _ = try KafkaConsumer(properties: wrong, inputTopics: ["usage"], groupID: "g")
        }
        #expect(throws: KafkaConfigurationError(complaints: expected)) { _ = try KafkaProducer(properties: wrong) }
        #expect(throws: KafkaConfigurationError(complaints: expected)) { _ = try KafkaAdmin(properties: wrong) }
    }

    @Test func propertiesThatContradictEachOtherAreReportedWithBothPlaces() {
        let pair = properties(["session.timeout.ms": "60000", "max.poll.interval.ms": "10000"])
        #expect(KafkaProperty.complaints(in: pair).isEmpty)
        let complaints = KafkaProperty.complaints(in: pair, for: .consumer)
        #expect(complaints.map(\.place) == ["t.yaml:1, t.yaml:2"])
        #expect(complaints.first?.text.contains("max.poll.interval.ms") == true)
    }

    @Test func certificateFilesThatCannotBeReadAreReported() {
        let missing = properties(["security.protocol": "ssl", "ssl.ca.location": "/nowhere/ca.pem"])
        let complaints = KafkaProperty.complaints(in: missing, for: .producer)
        #expect(complaints.count == 1)
        #expect(complaints.first?.place == "t.yaml:2")
    }

    @Test func whatTheTransportDecidesCannotBeSetOtherwise() {
        let reserved = properties([
            "enable.auto.commit": "true", "enable.auto.offset.store": "false",
            "partition.assignment.strategy": "range", "group.id": "other",
        ])
        #expect(KafkaProperty.complaints(in: reserved, for: .consumer).map(\.place) == ["t.yaml:1", "t.yaml:3"])
        do {
            _ = try KafkaConsumer(properties: reserved, inputTopics: ["usage"], groupID: "g")
            Issue.record("accepted")
        } catch {
            #expect(error.complaints.map(\.place) == ["t.yaml:1", "t.yaml:3", "t.yaml:4"])
            #expect(error.complaints.allSatisfy { $0.text.contains("leave it out") })
        }
    }

    @Test func rightPropertiesPassForEveryRole() {
        let right = properties(["session.timeout.ms": "6000", "bootstrap.servers": "127.0.0.1:1"])
        for role in [nil, KafkaRole.consumer, .producer] {
            #expect(KafkaProperty.complaints(in: right, for: role).isEmpty)
        }
    }
}
