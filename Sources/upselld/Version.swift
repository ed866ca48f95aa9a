internal import KafkaTransport

/// What `upselld version` prints.
enum Version {
    static let own = "0.1.0"

    static var text: String {
        """
        upselld \(own)
        Swift \(swift)
        librdkafka \(KafkaLibrary.version)

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
