/// The lead's position of one partition, as committed to the group.
public struct GroupOffset: Sendable, Equatable {
    public var partition: Int32
    /// Offset of the next record to be read.
    public var offset: Int64
    /// Text committed with it; empty if none was.
    public var metadata: String

    public init(partition: Int32, offset: Int64, metadata: String) {
        self.partition = partition
        self.offset = offset
        self.metadata = metadata
    }
}
