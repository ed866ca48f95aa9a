internal import Glibc

/// Points of the monotonic clock, for waiting; no decision about usage reads it.
enum Moment {
    /// Milliseconds since some instant in the past.
    static func now() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Blocks the calling thread.
    static func pause(milliseconds: Int64) {
        guard milliseconds > 0 else { return }
        var time = timespec(tv_sec: Int(milliseconds / 1_000), tv_nsec: Int(milliseconds % 1_000) * 1_000_000)
        _ = unsafe nanosleep(&time, nil)
    }
}
