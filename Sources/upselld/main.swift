internal import Glibc
internal import UpsellCommandLine

// Closures written in this file would belong to the main actor and trap on any other thread: everything is in the
// function.
exit(runCommand(Array(CommandLine.arguments.dropFirst())).rawValue)
