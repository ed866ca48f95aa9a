// Closures written in `main.swift` would be inferred `@MainActor`; everything happens in the function below.
runBenchmark()
