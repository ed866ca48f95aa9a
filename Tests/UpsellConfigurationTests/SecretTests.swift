import Testing

@testable import UpsellConfiguration

/// No secret leaves a setting by being printed.
struct SecretTests {
    @Test(arguments: [
        "sasl.password", "ssl.key.password", "ssl.key.pem", "ssl_key", "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config", "ssl.keystore.password", "some.Token",
    ])
    func secretIsRedacted(name: String) {
        let setting = KafkaSetting(name: name, value: "hunter2", place: "x:1")
        #expect(redacted([setting])[0].value == "[redacted]")
        var dumped = ""
        dump(setting, to: &dumped)
        for text in ["\(setting)", String(reflecting: setting), dumped, "\([setting])", "\(Optional(setting) as Any)"] {
            #expect(!text.contains("hunter2"))
        }
    }

    @Test
    func othersAreShown() {
        #expect("\(KafkaSetting(name: "bootstrap.servers", value: "a:1", place: ""))" == "bootstrap.servers=a:1")
    }

    @Test(arguments: [
        "kafka: { sasl.password: [hunter2, [a]] }", "kafka: { sasl.password: *hunter2 }", "kafka: hunter2",
        "kafka: { sasl.password: !hunter2 x }", "kafka: [hunter2]",
        "kafka: { sasl.password: x, sasl: { password: hunter2 } }",
        "kafka: { sasl.password: \"hunter2 }", "kafka: { sasl.password: hunter2\tx: y }",
        "kafka: { sasl.password: @hunter2 }",
    ])
    func complaintsShowNoValueOfKafka(main: String) throws {
        let found = try Fixtures.complaints(main: main)
        #expect(found.count >= 1)
        #expect(!found.joined().contains("hunter2"))
    }
}
