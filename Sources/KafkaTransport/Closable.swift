import Synchronization

/// Holds a client that can be closed while others still refer to its owner.
final class Closable<Client: AnyObject & Sendable>: Sendable {
    private let client: Mutex<Client?>
    private let name: String

    /// - Parameter name: of the owner, for the error after the close.
    init(_ client: Client, name: String) {
        self.client = Mutex(client)
        self.name = name
    }

    /// The client.
    ///
    /// - Throws: `_STATE` (`.rebuildProducer`) after the close.
    func get() throws(KafkaError) -> Client {
        if let client = client.withLock({ $0 }) { return client }
        throw KafkaError(code: .wrongState, text: "The \(name) was closed", recovery: .rebuildProducer)
    }

    /// Gives the client up. A call that is under way keeps it alive until it ends, if it ever does.
    func take() -> Client? { client.withLock { $0.take() } }
}
