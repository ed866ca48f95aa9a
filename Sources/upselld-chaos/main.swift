internal import Foundation

// Closures written in this file would belong to the main actor and trap on any other thread: everything is in the
// function.
exit(chaosCommand(Array(CommandLine.arguments.dropFirst())))
