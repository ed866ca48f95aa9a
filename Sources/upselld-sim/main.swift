import Foundation

let words = CommandLine.arguments.dropFirst()
if words.first == "--engine", let arguments = EngineArguments(words.dropFirst()) {
    exit(EngineRunner(arguments: arguments).run())
}
guard let arguments = Arguments(Array(words)) else {
    FileHandle.standardError.write(Data((Arguments.usage + "\n" + EngineArguments.usage + "\n").utf8))
    exit(64)
}
exit(Runner(arguments: arguments).run())
