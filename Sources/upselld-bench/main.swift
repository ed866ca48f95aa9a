// Closures written in `main.swift` would be inferred `@MainActor`; everything happens in the functions below.
runBenchmark()
