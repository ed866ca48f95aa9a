import Testing
import UpsellStateLog

@Suite struct OffsetMarkTests {
    @Test(arguments: [
        OffsetMark(epoch: 0, restoreFrom: 0, writer: "w"),
        OffsetMark(epoch: .max, restoreFrom: .max, writer: "slot with spaces = and writer=more"),
        OffsetMark(epoch: 1, restoreFrom: 2, writer: String(repeating: "ü", count: 2_000)),
    ])
    func marksComeBack(mark: OffsetMark) {
        #expect(OffsetMark(text: mark.text) == mark)
        #expect(mark.text.utf8.count <= OffsetMark.textBytesMax)
    }

    @Test(arguments: [
        "", "offset 12", "upselld/1", "upselld/2 epoch=12 state=3456 writer=a", "upselld/1 epoch=12 state=3456 writer=",
        "upselld/1 epoch=12 state=3456", "upselld/1 epoch=012 state=3456 writer=a",
        "upselld/1 epoch=+12 state=3456 writer=a", "upselld/1 epoch=-1 state=3456 writer=a",
        "upselld/1 epoch=12 state=-1 writer=a", "upselld/1 state=3456 epoch=12 writer=a",
        "upselld/1  epoch=12 state=3456 writer=a", " upselld/1 epoch=12 state=3456 writer=a",
        "upselld/1 epoch=18446744073709551616 state=3456 writer=a", "Upselld/1 epoch=12 state=3456 writer=a",
        "upselld/1 epoch=12 state=9223372036854775808 writer=a",
        "upselld/1 epoch=12 state=3456 writer=" + String(repeating: "a", count: 4_096),
    ])
    func everythingElseIsForeign(text: String) {
        #expect(OffsetMark(text: text) == nil)
    }
}
