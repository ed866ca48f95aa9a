import Foundation

guard let arguments = Arguments(Array(CommandLine.arguments.dropFirst())) else {
    FileHandle.standardError.write(Data((Arguments.usage + "\n").utf8))
    exit(64)
}
exit(Runner(arguments: arguments).run())
