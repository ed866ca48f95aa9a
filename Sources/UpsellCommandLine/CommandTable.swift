/// A command and all that the parser and the help know of it.
struct CommandEntry {
    var command: Command
    /// What it does, in the list of commands.
    var summary: String
    /// Paragraphs of its own help, in lines that are joined and wrapped; indented lines stay.
    var description: String
    var options: [OptionEntry]
    /// A word after the command that may be left out, such as help's topic.
    var operand: String?
    /// Words after the command that it needs.
    var operands: [String] = []
    var examples: [Example]

    struct Example {
        var line: String
        var effect: String
    }

    static func of(_ command: Command) -> CommandEntry {
        switch command {
        case .run: run
        case .check: check
        case .fire: fire
        case .pause: pause
        case .resume: resume
        case .shadow: shadow
        case .demo: demo
        case .version: version
        case .help: help
        }
    }
}

/// An option of a command.
struct OptionEntry {
    var name: Name
    /// Placeholder of its value; nil for a switch.
    var value: String?
    var summary: String
    /// May be given more than once.
    var isRepeatable: Bool { name == .set || name == .accessLog }

    enum Name: String {
        case config, against, set, limit, json, keep
        case accessLog = "access-log"
        case acceptLoss = "accept-loss"
        case test
        case help
    }

    static let help = OptionEntry(name: .help, value: nil, summary: "print this help")
}

extension CommandEntry {
    private static let configuration = [
        OptionEntry(
            name: .config, value: "FILE",
            summary: "the configuration (default config/upselld.yaml); the files it names are "
                + "found beside it"),
        OptionEntry(
            name: .set, value: "KEY=VALUE",
            summary: "overrides one key of the configuration, such as "
                + "kafka.bootstrap.servers=host:9092; may be repeated, the last wins"),
    ]

    private static let run = CommandEntry(
        command: .run,
        summary: "run the daemon",
        description: """
            Reads usage events and account profiles from Kafka, keeps each account's counters,
            and publishes a trigger when usage reaches a threshold of the account's limit.
            Runs in the foreground until SIGTERM or SIGINT, then finishes what it holds and
            ends. The log goes to the systemd journal or to standard error.

            State and positions are kept in Kafka, in one transaction with what is published:
            a restart, or another instance, goes on where the last one ended. Subscribers read
            with isolation.level=read_committed.

            A key's value is the first of: --set, the environment (UPSELLD_ and the key in
            capitals with underscores: UPSELLD_KAFKA_BOOTSTRAP_SERVERS), the file, the default.
            """,
        options: configuration + [
            OptionEntry(
                name: .acceptLoss, value: nil,
                summary: "goes on where input was deleted by retention before it was read, and "
                    + "reports the range as lost; without it such a partition is refused")
        ],
        examples: [
            Example(line: "upselld run", effect: "with config/upselld.yaml"),
            Example(
                line: "upselld run --config /etc/upselld/upselld.yaml --set kafka.bootstrap.servers=kafka1:9092",
                effect: "elsewhere, with another broker than the file names"),
        ])

    private static let check = CommandEntry(
        command: .check,
        summary: "validate everything that run would read",
        description: """
            Reads the configuration, the catalogue and the rules exactly as run would, and
            prints every complaint at once, one a line:

              file:line: path: what is wrong; expected what

            Warns in the same form of what is right and of doubtful use: adjacent plans that
            hardly differ, a higher plan with a lower limit, a rule that no plan lets fire.

            Connects to nothing. Prints one line and ends with 0 when all is well, warnings or
            not, and with 78 otherwise.

            With --against it also prints, one a line, what a reload from that configuration
            to this one would change: rules that arm anew and what becomes of thresholds that
            are exceeded, meters that start anew, limits of plans, settings.
            """,
        options: configuration + [
            OptionEntry(
                name: .against, value: "FILE",
                summary: "a configuration that is running; --set and the environment hold for both")
        ],
        examples: [
            Example(line: "upselld check", effect: "config/upselld.yaml and the files it names"),
            Example(
                line: "upselld check --config new/upselld.yaml && systemctl restart upselld", effect: "try before use"),
            Example(
                line: "upselld check --config new/upselld.yaml --against /etc/upselld/upselld.yaml",
                effect: "what a reload would change"),
        ])

    private static let fire = CommandEntry(
        command: .fire,
        summary: "send a trigger for a test to one account",
        description: """
            Writes to the control topic that the rule is to send a trigger to the account, whatever
            its usage. The daemon that has the account's partition publishes it, marked test: true
            and outside caps, cooldowns and figures, so that a channel can be tried end to end.
            An account that the daemon does not know gets nothing.

            Ends with 64 for a rule that the configuration does not have, and with 69 where Kafka
            is not to be had within kafka.startTimeout (30 s where that is forever).
            """,
        options: [
            OptionEntry(name: .test, value: nil, summary: "needed: there is no other way to fire by hand")
        ] + configuration,
        operands: ["RULE", "ACCOUNT"],
        examples: [
            Example(line: "upselld fire --test api-calls acme", effect: "as if acme had reached the rule's signal")
        ])

    private static func mode(
        _ command: Command, _ summary: String, _ effect: String, _ example: Example
    ) -> CommandEntry {
        CommandEntry(
            command: command, summary: summary,
            description: """
                \(effect)

                Writes a record to the control topic; every partition of every instance applies it
                once, in its turn, and keeps it over restarts. It goes before the mode that the
                rules file gives the rule. Who gave it and when is in the record and the journal.

                Ends with 64 for a rule that the configuration does not have, and with 69 where Kafka
                is not to be had within kafka.startTimeout (30 s where that is forever).
                """,
            options: configuration, operands: ["RULE"], examples: [example])
    }

    private static let pause = mode(
        .pause, "make a rule say nothing until it is resumed",
        """
        The rule goes on looking, and what it would have sent goes to the topic of held triggers
        with the reason paused. Its thresholds are spent: a resumed rule does not make up for them.
        """,
        Example(line: "upselld pause api-calls", effect: "something is wrong with its words"))

    private static let resume = mode(
        .resume, "make a paused or shadowed rule live again",
        "The rule sends again what it finds from now on; also one that the fuse has taken out.",
        Example(line: "upselld resume api-calls", effect: "the words are mended"))

    private static let shadow = mode(
        .shadow, "make a rule show what it would send",
        """
        What the rule would have sent goes to the topic of held triggers with the reason shadow,
        so that a new rule can be watched before anybody hears from it.
        """,
        Example(line: "upselld shadow new-rule", effect: "look at it for a week first"))

    private static let demo = CommandEntry(
        command: .demo,
        summary: "see it work, without Kafka",
        description: """
            Starts an embedded broker, plays a month of simulated usage of a few accounts into
            it (users, storage, integrations and API calls on the plans Basic, Pro and
            Enterprise, with an upgrade on the way), runs the same pipeline as run, and shows
            accounts filling up and triggers coming out: live on a terminal, as plain lines
            otherwise. NO_COLOR=1 turns colours off.
            """,
        options: [
            OptionEntry(
                name: .accessLog, value: "FILE",
                summary: "plays a web access log (combined format) instead: the address is the "
                    + "account, a request is one api_calls, its size is bandwidth; may be "
                    + "repeated, a log given twice is counted once"),
            OptionEntry(
                name: .limit, value: "N",
                summary: "limit of api_calls a month in the plan of accounts without profile"),
            OptionEntry(
                name: .json, value: nil,
                summary: "standard output has one trigger a line, byte for byte as published, "
                    + "and a summary as last line; all else goes to standard error"),
            OptionEntry(
                name: .keep, value: nil,
                summary: "afterwards leaves broker and daemon running until Ctrl-C, and prints "
                    + "the address for kcat"),
        ],
        examples: [
            Example(line: "upselld demo", effect: "the built-in stream"),
            Example(
                line: "upselld demo --access-log access.log --limit 100",
                effect: "who would need more than 100 requests a month"),
            Example(
                line: "upselld demo --access-log access.log --limit 100 --json | tail -1", effect: "only the summary"),
            Example(line: "upselld demo --keep", effect: "then subscribe: kcat -b ADDRESS -t upselld.triggers -C"),
        ])

    private static let version = CommandEntry(
        command: .version,
        summary: "print the versions of upselld and of what it is built on",
        description: "Prints the versions of upselld, Swift, librdkafka and the other libraries, one a line.",
        options: [],
        examples: [])

    private static let help = CommandEntry(
        command: .help,
        summary: "explain a command",
        description: "Prints the help of a command, or the overview.",
        options: [],
        operand: "COMMAND",
        examples: [])
}
