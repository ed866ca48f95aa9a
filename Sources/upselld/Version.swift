internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel
internal import UpsellWire

/// What `upselld version` prints.
enum Version {
    static var text: String {
        """
        upselld \(ProductVersion.text)
        Swift \(swift)
        librdkafka \(KafkaLibrary.version)
        simdjson \(JSONLibrary.version)
        libyaml \(YAMLLibrary.version)
        libxxhash \(HashLibrary.version)
        time zones \(TimeZones.dataVersion)

        """
    }

    /// The compiler's language version; there is no other way to ask for it.
    private static var swift: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }
}
