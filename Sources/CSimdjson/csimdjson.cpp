#include "csimdjson.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <simdjson.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

using namespace simdjson;

namespace {

/// Buffers start with room for an ordinary event, and go back to it when a large one was long ago.
constexpr size_t initial_capacity = 16 * 1024;
constexpr size_t initial_nodes = 256;
constexpr uint32_t calm_parses = 4096;

/// Members that are compared pair by pair where two look alike; objects with more are sorted.
constexpr uint32_t pairwise_max = 24;

inline bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

inline bool is_digit(uint8_t byte) { return uint8_t(byte - '0') <= 9; }

/// Whether a number or a literal may end before this byte. What comes behind white space has a structural index of its
/// own and is judged there; a colon or a NUL is refused there, too.
inline bool ends_scalar(uint8_t byte) { return byte == ',' || byte == '}' || byte == ']' || is_space(byte); }

/// End of a number in JSON's grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?; null where it is none.
/// The NUL behind the text ends every loop.
inline const uint8_t *number_end(const uint8_t *at) {
    if (*at == '-') { at++; }
    if (*at == '0') {
        at++;
    } else {
        if (!is_digit(*at)) { return nullptr; }
        do { at++; } while (is_digit(*at));
    }
    if (*at == '.') {
        at++;
        if (!is_digit(*at)) { return nullptr; }
        do { at++; } while (is_digit(*at));
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-') { at++; }
        if (!is_digit(*at)) { return nullptr; }
        do { at++; } while (is_digit(*at));
    }
    return ends_scalar(*at) ? at : nullptr;
}

/// Copies a text and tells whether it has a backslash. Reads only the text; `to` has room for its padding.
inline bool copy_finds_backslash(uint8_t *to, const uint8_t *from, size_t length) {
#if defined(__SSE2__)
    const __m128i backslash = _mm_set1_epi8('\\');
    __m128i found = _mm_setzero_si128();
    size_t offset = 0;
    if (length >= 16) {
        for (; offset + 16 <= length; offset += 16) {
            __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + offset));
            _mm_storeu_si128(reinterpret_cast<__m128i *>(to + offset), bytes);
            found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, backslash));
        }
        // The last 16 bytes once more instead of the rest byte by byte.
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + length - 16));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(to + length - 16), bytes);
        found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, backslash));
        return _mm_movemask_epi8(found) != 0;
    }
#endif
    if (length == 0) { return false; }
    memcpy(to, from, length);
    return memchr(from, '\\', length) != nullptr;
}

inline uint64_t load64(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/// Up to eight bytes of a name as a number, for comparisons.
constexpr uint64_t word(const char *name) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 8 && name[i] != 0; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        value |= uint64_t(uint8_t(name[i])) << (8 * i);
#else
        value |= uint64_t(uint8_t(name[i])) << (56 - 8 * i);
#endif
    }
    return value;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
constexpr uint64_t leading(unsigned length) {
    return length == 0 ? 0 : ~uint64_t(0) >> (64 - 8 * length);
}
#else
constexpr uint64_t leading(unsigned length) {
    return length == 0 ? 0 : ~uint64_t(0) << (64 - 8 * length);
}
#endif
/// Masks of the first bytes in memory order, by their number.
constexpr uint64_t masks[9] = {
    leading(0), leading(1), leading(2), leading(3), leading(4), leading(5), leading(6), leading(7), leading(8),
};

/// A member name's ends: the whole of it up to 16 bytes.
struct name_ends {
    uint64_t first;
    uint64_t last;

    /// Reads up to seven bytes behind the name; the padding is there for that.
    name_ends(const uint8_t *name, size_t length)
        : first(load64(name) & masks[length < 8 ? length : 8]), last(length > 8 ? load64(name + length - 8) : 0) {}

    /// The upper bits depend on all bytes.
    uint64_t hash(size_t length) const {
        return (first ^ (last << 1) ^ length) * 0x9e3779b97f4a7c15;
    }
};

}  // namespace

struct csimdjson_parser {
    size_t text_max;
    /// simdjson's first stage: where each token starts, and whether the text is UTF-8 with its strings closed.
    std::unique_ptr<internal::dom_parser_implementation> stage;
    std::unique_ptr<uint8_t[]> buffer;
    /// Strings and names that had escapes; made when the first one comes.
    std::unique_ptr<uint8_t[]> strings;
    size_t capacity = 0;
    csimdjson_node *nodes = nullptr;
    size_t node_capacity = 0;
    csimdjson_document document = {};
    /// Members of one large object, for its duplicate check; reused.
    std::vector<uint32_t> sorted;
    int64_t error_offset = -1;
    const char *error_text = "";
    uint32_t small_parses = 0;

    explicit csimdjson_parser(size_t max) : text_max(max) {}
    ~csimdjson_parser() { free(nodes); }
    csimdjson_parser(const csimdjson_parser &) = delete;
    csimdjson_parser &operator=(const csimdjson_parser &) = delete;

    csimdjson_status parse(const uint8_t *text, size_t length);

  private:
    /// Two bits for each name of an object. Two names may be the same only where both bits were there before.
    struct seen_names {
        uint64_t first;
        uint64_t second;
        /// In the lowest bit; what is above means nothing.
        uint64_t suspicious;

        void add(uint64_t hash) {
            suspicious |= (first >> (hash >> 58)) & (second >> ((hash >> 52) & 63));
            first |= uint64_t(1) << (hash >> 58);
            second |= uint64_t(1) << ((hash >> 52) & 63);
        }
    };

    /// An open container; what is being filled is kept in variables, and here while a container within it is open.
    struct frame {
        uint32_t node;
        bool is_object;
        seen_names seen;
    };

    /// A name or string: where it lies and how long it is.
    struct run {
        const uint8_t *start;
        uint32_t length;
        uint8_t flags;
    };

    bool reserve(size_t length);
    bool grow_nodes();
    csimdjson_status fail(csimdjson_status status, const char *why, const void *place);
    csimdjson_status fail(error_code error, const void *place);
    template <bool has_backslash> csimdjson_status walk();
    template <bool has_backslash> bool string(const uint8_t *open, const uint8_t *next, uint8_t *&free, run &out);
    uint32_t *slot(const name_ends &ends, size_t length);
    void forget(uint32_t node);
    bool has_duplicate(uint32_t object);

    /// Members of the root that are nobody's.
    uint32_t ignored = 0;
};

bool csimdjson_parser::reserve(size_t length) {
    if (length > initial_capacity) {
        small_parses = 0;
    } else if (capacity > initial_capacity && ++small_parses >= calm_parses) {
        capacity = 0;
        buffer.reset();
        strings.reset();
        free(nodes);
        nodes = nullptr;
        node_capacity = 0;
        std::vector<uint32_t>().swap(sorted);
        small_parses = 0;
    }
    if (length <= capacity && capacity > 0) { return true; }
    size_t wanted = initial_capacity;
    while (wanted < length) { wanted *= 2; }
    wanted = std::min(wanted, std::max(text_max, length));
    capacity = 0;
    strings.reset();
    buffer.reset(new (std::nothrow) uint8_t[wanted + SIMDJSON_PADDING]);
    if (!buffer) { return false; }
    // Made anew rather than resized, so that a large text's indexes do not stay.
    if (get_active_implementation()->create_dom_parser_implementation(wanted, CSIMDJSON_DEPTH_MAX + 1, stage)
        != SUCCESS) {
        return false;
    }
    capacity = wanted;
    return true;
}

bool csimdjson_parser::grow_nodes() {
    size_t wanted = node_capacity == 0 ? initial_nodes : node_capacity * 2;
    auto grown = static_cast<csimdjson_node *>(realloc(nodes, wanted * sizeof(csimdjson_node)));
    if (grown == nullptr) { return false; }
    nodes = grown;
    node_capacity = wanted;
    return true;
}

csimdjson_status csimdjson_parser::fail(csimdjson_status status, const char *why, const void *place) {
    error_text = why;
    auto at = static_cast<const uint8_t *>(place);
    error_offset = at != nullptr && at >= buffer.get() && at <= buffer.get() + capacity ? at - buffer.get() : -1;
    document = {};
    return status;
}

csimdjson_status csimdjson_parser::fail(error_code error, const void *place) {
    csimdjson_status status;
    switch (error) {
    case UTF8_ERROR: status = CSIMDJSON_INVALID_UTF8; break;
    case DEPTH_ERROR: status = CSIMDJSON_TOO_DEEP; break;
    case CAPACITY: status = CSIMDJSON_TOO_LARGE; break;
    case MEMALLOC: status = CSIMDJSON_NO_MEMORY; break;
    default: status = CSIMDJSON_INVALID;
    }
    return fail(status, error_message(error), place);
}

/// Reads the string that opens at `open`; the token behind it starts at `next`. `free` moves behind what was unescaped.
template <bool has_backslash>
inline bool csimdjson_parser::string(const uint8_t *open, const uint8_t *next, uint8_t *&free, run &out) {
    // Stage 1 saw the string closed, and indexes everything behind it that is not white space: the last quote before
    // the next token is the closing one.
    const uint8_t *close = next - 1;
    while (simdjson_unlikely(*close != '"')) { close--; }
    if (simdjson_unlikely(close == open)) { return false; }
    out.start = open + 1;
    out.length = uint32_t(close - open - 1);
    out.flags = 0;
    if (has_backslash && memchr(out.start, '\\', out.length) != nullptr) {
        uint8_t *end = stage->parse_string(out.start, free);
        if (end == nullptr) { return false; }
        out.start = free;
        out.length = uint32_t(end - free);
        // Only an escape can bring one: unescaped control characters do not pass stage 1.
        if (memchr(free, 0, out.length) != nullptr) { out.flags = CSIMDJSON_HAS_NUL; }
        free = end;
    }
    return true;
}

/// Where the root's member of a name is noted down.
inline uint32_t *csimdjson_parser::slot(const name_ends &ends, size_t length) {
    switch (length) {
    case 2:
        if (ends.first == word("id")) { return &document.id; }
        break;
    case 4:
        if (ends.first == word("type")) { return &document.type; }
        if (ends.first == word("time")) { return &document.time; }
        if (ends.first == word("data")) { return &document.data; }
        break;
    case 6:
        if (ends.first == word("source")) { return &document.source; }
        break;
    case 7:
        if (ends.first == word("subject")) { return &document.subject; }
        break;
    case 8:
        if (ends.first == word("backfill")) { return &document.backfill; }
        if (ends.first == word("snapshot")) { return &document.snapshot; }
        break;
    case 11:
        if (ends.first == word("specvers") && ends.last == word("cversion")) { return &document.specversion; }
        break;
    default: break;
    }
    return &ignored;
}

/// Takes a member of the root that is null for absent, as CloudEvents does.
void csimdjson_parser::forget(uint32_t node) {
    for (uint32_t *known : {
             &document.specversion, &document.id, &document.source, &document.type, &document.subject, &document.time,
             &document.backfill, &document.snapshot, &document.data,
         }) {
        if (*known == node) { *known = 0; }
    }
}

/// Compares the names of one object's members with each other.
bool csimdjson_parser::has_duplicate(uint32_t object) {
    const csimdjson_node *all = nodes;
    uint32_t end = all[object].next;
    auto compare = [all](uint32_t a, uint32_t b) {
        if (all[a].key_length != all[b].key_length) { return all[a].key_length < all[b].key_length ? -1 : 1; }
        return all[a].key_length == 0 ? 0 : memcmp(all[a].key, all[b].key, all[a].key_length);
    };
    uint32_t count = 0;
    for (uint32_t i = object + 1; i < end; i = all[i].next) { count++; }
    if (count <= pairwise_max) {
        for (uint32_t i = object + 1; i < end; i = all[i].next) {
            for (uint32_t j = object + 1; j < i; j = all[j].next) {
                if (all[i].key_hash == all[j].key_hash && compare(i, j) == 0) { return true; }
            }
        }
        return false;
    }
    // Sorted, so that an object made to be slow is not.
    sorted.clear();
    for (uint32_t i = object + 1; i < end; i = all[i].next) { sorted.push_back(i); }
    std::sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) { return compare(a, b) < 0; });
    for (size_t i = 1; i < sorted.size(); i++) {
        if (compare(sorted[i - 1], sorted[i]) == 0) { return true; }
    }
    return false;
}

/// Follows the structural indexes token by token. What stage 1 leaves open is decided here: the order of tokens,
/// numbers, literals and escapes. Every token is looked at, and a NUL is wrong in every place, so that the one behind
/// the text, which the last index points to, ends the walk at the latest.
template <bool has_backslash>
csimdjson_status csimdjson_parser::walk() {
    const uint8_t *const text = buffer.get();
    const uint32_t *at = stage->structural_indexes.get();
    uint8_t *unescaped = strings.get();
    uint32_t count = 0;
    csimdjson_node *node = nullptr;
    const uint8_t *token = text;
    // The container that is being filled; those around it wait in `frames`.
    seen_names seen = {0, 0, 0};
    bool is_object = true;
    frame frames[CSIMDJSON_DEPTH_MAX];
    frame *top = frames;

    // The root, an object as the caller saw.
    if (node_capacity == 0 && !grow_nodes()) { return fail(MEMALLOC, nullptr); }
    nodes[0] = {nullptr, nullptr, 0, 0, 1, 0, CSIMDJSON_OBJECT, 0};
    count = 1;
    top->node = 0;
    at++;
    token = text + *at;
    if (*token == '}') {
        at++;
        goto close;
    }

member:
    if (simdjson_unlikely(*token != '"')) { return fail(CSIMDJSON_INVALID, "A member name is missing.", token); }
    if (simdjson_unlikely(count == node_capacity) && !grow_nodes()) { return fail(MEMALLOC, nullptr); }
    node = nodes + count;
    at++;
    {
        run key;
        if (simdjson_unlikely(!string<has_backslash>(token, text + *at, unescaped, key))) {
            return fail(STRING_ERROR, token);
        }
        name_ends ends(key.start, key.length);
        uint64_t hash = ends.hash(key.length);
        node->key = key.start;
        node->key_length = key.length;
        node->key_hash = uint16_t(hash >> 48);
        seen.add(hash);
        if (top == frames) { *slot(ends, key.length) = count; }
    }
    token = text + *at;
    if (simdjson_unlikely(*token != ':')) { return fail(CSIMDJSON_INVALID, "A colon is missing.", token); }
    token = text + at[1];
    at += 2;

value:
    count++;
    node->next = count;
    node->flags = 0;
    if (*token == '"') {
        run value;
        if (simdjson_unlikely(!string<has_backslash>(token, text + *at, unescaped, value))) {
            return fail(STRING_ERROR, token);
        }
        node->text = value.start;
        node->text_length = value.length;
        if (has_backslash) { node->flags = value.flags; }
        node->kind = CSIMDJSON_STRING;
    } else if (*token == '{' || *token == '[') {
        if (simdjson_unlikely(top == frames + CSIMDJSON_DEPTH_MAX - 1)) { return fail(DEPTH_ERROR, token); }
        top->seen = seen;
        top->is_object = is_object;
        top++;
        top->node = count - 1;
        seen = {0, 0, 0};
        is_object = *token == '{';
        node->text = nullptr;
        node->text_length = 0;
        node->kind = is_object ? CSIMDJSON_OBJECT : CSIMDJSON_ARRAY;
        token = text + *at;
        if (is_object) {
            if (*token != '}') { goto member; }
        } else {
            if (*token != ']') { goto element; }
        }
        at++;
        goto close;
    } else if (*token == '-' || is_digit(*token)) {
        const uint8_t *end = number_end(token);
        if (simdjson_unlikely(end == nullptr)) {
            return fail(CSIMDJSON_INVALID, "Not a number in JSON's grammar.", token);
        }
        node->text = token;
        node->text_length = uint32_t(end - token);
        node->kind = CSIMDJSON_NUMBER;
    } else {
        // The padding covers the reads beyond the text.
        node->text = token;
        if (memcmp(token, "true", 4) == 0 && ends_scalar(token[4])) {
            node->text_length = 4;
            node->kind = CSIMDJSON_TRUE;
        } else if (memcmp(token, "false", 5) == 0 && ends_scalar(token[5])) {
            node->text_length = 5;
            node->kind = CSIMDJSON_FALSE;
        } else if (memcmp(token, "null", 4) == 0 && ends_scalar(token[4])) {
            node->text_length = 4;
            node->kind = CSIMDJSON_NULL;
            if (top == frames) { forget(count - 1); }
        } else {
            return fail(CSIMDJSON_INVALID, "Not a value.", token);
        }
    }

behind:
    token = text + *at++;
    if (*token == ',') {
        token = text + *at;
        if (is_object) { goto member; }
        goto element;
    }
    if (simdjson_unlikely(*token != (is_object ? '}' : ']'))) {
        return fail(CSIMDJSON_INVALID, "Neither a comma nor the end of the container.", token);
    }

close:
    nodes[top->node].next = count;
    if (simdjson_unlikely((seen.suspicious & 1) != 0) && has_duplicate(top->node)) {
        return fail(CSIMDJSON_DUPLICATE_KEY, "A member name occurs twice in one object.", nullptr);
    }
    if (top != frames) {
        top--;
        seen = top->seen;
        is_object = top->is_object;
        goto behind;
    }
    if (at != stage->structural_indexes.get() + stage->n_structural_indexes) {
        return fail(CSIMDJSON_INVALID, "Something follows the document.", text + *at);
    }
    document.nodes = nodes;
    document.count = count;
    return CSIMDJSON_OK;

element:
    if (simdjson_unlikely(count == node_capacity) && !grow_nodes()) { return fail(MEMALLOC, nullptr); }
    node = nodes + count;
    node->key = nullptr;
    node->key_length = 0;
    node->key_hash = 0;
    at++;
    goto value;
}

csimdjson_status csimdjson_parser::parse(const uint8_t *text, size_t length) {
    document = {};
    error_offset = -1;
    error_text = "";
    if (length > text_max || length > CSIMDJSON_TEXT_MAX) { return fail(CAPACITY, nullptr); }
    // Nothing to do for an ordinary text among ordinary texts.
    bool is_ordinary = capacity == initial_capacity && length <= initial_capacity;
    if (simdjson_unlikely(!is_ordinary) && !reserve(length)) { return fail(MEMALLOC, nullptr); }
    bool has_backslash = copy_finds_backslash(buffer.get(), text, length);
    memset(buffer.get() + length, 0, SIMDJSON_PADDING);

    if (auto error = stage->stage1(buffer.get(), length, stage1_mode::regular)) { return fail(error, nullptr); }
    uint32_t *indexes = stage->structural_indexes.get();
    uint32_t count = stage->n_structural_indexes;
    if (count == 0) { return fail(EMPTY, nullptr); }
    // Where the walk comes to stand at the latest; the allocation has room for it.
    indexes[count] = uint32_t(length);
    indexes[count + 1] = uint32_t(length);
    switch (buffer[indexes[0]]) {
    case '{': break;
    case '[': case '"': case 't': case 'f': case 'n': case '-':
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        return fail(CSIMDJSON_NOT_AN_OBJECT, "The document is not an object.", buffer.get() + indexes[0]);
    default: return fail(CSIMDJSON_INVALID, "Not a value.", buffer.get() + indexes[0]);
    }
    if (buffer[indexes[count - 1]] != '}') {
        return fail(INCOMPLETE_ARRAY_OR_OBJECT, buffer.get() + indexes[count - 1]);
    }
    if (!has_backslash) { return walk<false>(); }
    // Each escape is longer than what it stands for, and simdjson writes up to its padding beyond the end.
    if (!strings) {
        strings.reset(new (std::nothrow) uint8_t[capacity + SIMDJSON_PADDING]);
        if (!strings) { return fail(MEMALLOC, nullptr); }
    }
    return walk<true>();
}

extern "C" {

csimdjson_parser *csimdjson_create(size_t text_max) {
    return new (std::nothrow) csimdjson_parser(std::min(text_max, CSIMDJSON_TEXT_MAX));
}

void csimdjson_destroy(csimdjson_parser *parser) { delete parser; }

csimdjson_status csimdjson_parse(csimdjson_parser *parser, const uint8_t *text, size_t length) {
    return parser->parse(text, length);
}

const csimdjson_document *csimdjson_result(const csimdjson_parser *parser) { return &parser->document; }

int64_t csimdjson_error_offset(const csimdjson_parser *parser) { return parser->error_offset; }

const char *csimdjson_error_text(const csimdjson_parser *parser) { return parser->error_text; }

int csimdjson_is_utf8(const uint8_t *text, size_t length) {
    return validate_utf8(reinterpret_cast<const char *>(text), length) ? 1 : 0;
}

}
