#include "csimdjson.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
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

/// JSON's number grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
bool is_number(std::string_view text) {
    const char *at = text.data();
    const char *end = at + text.size();
    auto digit = [&] { return at != end && *at >= '0' && *at <= '9'; };
    if (at != end && *at == '-') { at++; }
    if (!digit()) { return false; }
    if (*at == '0') {
        at++;
    } else {
        while (digit()) { at++; }
    }
    if (at != end && *at == '.') {
        at++;
        if (!digit()) { return false; }
        while (digit()) { at++; }
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at != end && (*at == '+' || *at == '-')) { at++; }
        if (!digit()) { return false; }
        while (digit()) { at++; }
    }
    return at == end;
}

/// A raw token reaches to the next structural character: the white space in between is not part of it.
std::string_view trimmed(std::string_view token) {
    size_t length = token.size();
    while (length > 0) {
        char last = token[length - 1];
        if (last != ' ' && last != '\n' && last != '\r' && last != '\t') { break; }
        length--;
    }
    return token.substr(0, length);
}

/// First quote or backslash at or behind `at`. The caller knows that a quote follows: stage 1 saw every string closed,
/// and the buffer's padding covers the reads beyond it.
inline const uint8_t *quote_or_backslash(const uint8_t *at) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    while (true) {
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
        int hits = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        if (hits != 0) { return at + __builtin_ctz(unsigned(hits)); }
        at += 16;
    }
#else
    while (*at != '"' && *at != '\\') { at++; }
    return at;
#endif
}

/// The text between the quotes where nothing in it is escaped: a view into the buffer, without a copy.
inline bool plain_text(const uint8_t *start, std::string_view &text) {
    const uint8_t *end = quote_or_backslash(start);
    if (*end != '"') { return false; }
    text = std::string_view(reinterpret_cast<const char *>(start), size_t(end - start));
    return true;
}

}  // namespace

struct csimdjson_parser {
    size_t text_max;
    ondemand::parser parser;
    std::unique_ptr<uint8_t[]> buffer;
    size_t capacity = 0;
    std::vector<csimdjson_node> nodes;
    /// Members of one large object, for its duplicate check; reused.
    std::vector<uint32_t> members;
    int64_t error_offset = -1;
    const char *error_text = "";
    uint32_t small_parses = 0;

    explicit csimdjson_parser(size_t max) : text_max(max), parser(max) {}

    csimdjson_status parse(const uint8_t *text, size_t length);

  private:
    bool reserve(size_t length);
    csimdjson_status fail(csimdjson_status status, const char *why, const void *place);
    csimdjson_status fail(error_code error, const void *place);
    csimdjson_status object(ondemand::object &object, uint32_t index, unsigned depth, const void *place);
    csimdjson_status array(ondemand::array &array, uint32_t index, unsigned depth, const void *place);
    csimdjson_status value(ondemand::value value, std::string_view key, bool has_key, unsigned depth);
    csimdjson_status check_duplicates(uint32_t object_index, uint32_t count);
    void push(csimdjson_kind kind, std::string_view key, bool has_key, std::string_view text, unsigned depth);
};

bool csimdjson_parser::reserve(size_t length) {
    if (length > initial_capacity) {
        small_parses = 0;
    } else if (capacity > initial_capacity && ++small_parses >= calm_parses) {
        capacity = 0;
        buffer.reset();
        std::vector<csimdjson_node>().swap(nodes);
        std::vector<uint32_t>().swap(members);
        small_parses = 0;
    }
    if (length <= capacity && buffer) { return true; }
    size_t wanted = initial_capacity;
    while (wanted < length) { wanted *= 2; }
    wanted = std::min(wanted, std::max(text_max, length));
    buffer.reset(new (std::nothrow) uint8_t[wanted + SIMDJSON_PADDING]);
    if (!buffer) {
        capacity = 0;
        return false;
    }
    if (parser.allocate(wanted, CSIMDJSON_DEPTH_MAX) != SUCCESS) {
        capacity = 0;
        return false;
    }
    capacity = wanted;
    if (nodes.capacity() < initial_nodes) { nodes.reserve(initial_nodes); }
    return true;
}

csimdjson_status csimdjson_parser::fail(csimdjson_status status, const char *why, const void *place) {
    error_text = why;
    auto at = static_cast<const uint8_t *>(place);
    error_offset = at != nullptr && at >= buffer.get() && at <= buffer.get() + capacity ? at - buffer.get() : -1;
    nodes.clear();
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

void csimdjson_parser::push(
    csimdjson_kind kind, std::string_view key, bool has_key, std::string_view text, unsigned depth
) {
    csimdjson_node node;
    node.key = has_key ? reinterpret_cast<const uint8_t *>(key.data()) : nullptr;
    node.key_length = uint32_t(key.size());
    node.text = reinterpret_cast<const uint8_t *>(text.data());
    node.text_length = uint32_t(text.size());
    node.next = uint32_t(nodes.size()) + 1;
    node.kind = uint8_t(kind);
    node.depth = uint8_t(depth);
    nodes.push_back(node);
}

csimdjson_status csimdjson_parser::check_duplicates(uint32_t object_index, uint32_t count) {
    const csimdjson_node *all = nodes.data();
    uint32_t end = all[object_index].next;
    if (count <= 24) {
        // One bit for each length and first and last byte: a second look only where the bit was there before.
        uint64_t seen = 0;
        for (uint32_t i = object_index + 1; i < end; i = all[i].next) {
            const csimdjson_node &node = all[i];
            uint32_t mix = node.key_length;
            if (mix > 0) { mix = mix * 7 + node.key[0] * 3 + node.key[node.key_length - 1]; }
            uint64_t bit = uint64_t(1) << (mix & 63);
            if (seen & bit) {
                for (uint32_t j = object_index + 1; j < i; j = all[j].next) {
                    if (all[j].key_length == node.key_length
                        && (node.key_length == 0 || memcmp(all[j].key, node.key, node.key_length) == 0)) {
                        return fail(CSIMDJSON_DUPLICATE_KEY, "A member name occurs twice in one object.", nullptr);
                    }
                }
            }
            seen |= bit;
        }
        return CSIMDJSON_OK;
    }
    // Sorted, so that an object made to be slow is not.
    members.clear();
    for (uint32_t i = object_index + 1; i < end; i = all[i].next) { members.push_back(i); }
    auto compare = [all](uint32_t a, uint32_t b) {
        if (all[a].key_length != all[b].key_length) { return all[a].key_length < all[b].key_length ? -1 : 1; }
        return all[a].key_length == 0 ? 0 : memcmp(all[a].key, all[b].key, all[a].key_length);
    };
    std::sort(members.begin(), members.end(), [&](uint32_t a, uint32_t b) { return compare(a, b) < 0; });
    for (size_t i = 1; i < members.size(); i++) {
        if (compare(members[i - 1], members[i]) == 0) {
            return fail(CSIMDJSON_DUPLICATE_KEY, "A member name occurs twice in one object.", nullptr);
        }
    }
    return CSIMDJSON_OK;
}

csimdjson_status csimdjson_parser::object(
    ondemand::object &object, uint32_t index, unsigned depth, const void *place
) {
    uint32_t count = 0;
    for (auto item : object) {
        ondemand::field field;
        if (auto error = std::move(item).get(field)) { return fail(error, place); }
        std::string_view key;
        if (!plain_text(reinterpret_cast<const uint8_t *>(field.key().raw()), key)) {
            if (auto error = field.unescaped_key().get(key)) { return fail(error, place); }
        }
        auto status = value(field.value(), key, true, depth + 1);
        if (status != CSIMDJSON_OK) { return status; }
        count++;
    }
    nodes[index].next = uint32_t(nodes.size());
    return count < 2 ? CSIMDJSON_OK : check_duplicates(index, count);
}

csimdjson_status csimdjson_parser::array(ondemand::array &array, uint32_t index, unsigned depth, const void *place) {
    for (auto item : array) {
        ondemand::value element;
        if (auto error = item.get(element)) { return fail(error, place); }
        auto status = value(element, {}, false, depth + 1);
        if (status != CSIMDJSON_OK) { return status; }
    }
    nodes[index].next = uint32_t(nodes.size());
    return CSIMDJSON_OK;
}

csimdjson_status csimdjson_parser::value(ondemand::value value, std::string_view key, bool has_key, unsigned depth) {
    std::string_view token = value.raw_json_token();
    switch (token[0]) {
    case '"': {
        std::string_view text;
        if (!plain_text(reinterpret_cast<const uint8_t *>(token.data()) + 1, text)) {
            if (auto error = value.get_string().get(text)) { return fail(error, token.data()); }
        }
        push(CSIMDJSON_STRING, key, has_key, text, depth);
        return CSIMDJSON_OK;
    }
    case '{': {
        if (depth > CSIMDJSON_DEPTH_MAX) { return fail(DEPTH_ERROR, token.data()); }
        uint32_t index = uint32_t(nodes.size());
        push(CSIMDJSON_OBJECT, key, has_key, {}, depth);
        ondemand::object inner;
        if (auto error = value.get_object().get(inner)) { return fail(error, token.data()); }
        return object(inner, index, depth, token.data());
    }
    case '[': {
        if (depth > CSIMDJSON_DEPTH_MAX) { return fail(DEPTH_ERROR, token.data()); }
        uint32_t index = uint32_t(nodes.size());
        push(CSIMDJSON_ARRAY, key, has_key, {}, depth);
        ondemand::array inner;
        if (auto error = value.get_array().get(inner)) { return fail(error, token.data()); }
        return array(inner, index, depth, token.data());
    }
    default: break;
    }
    token = trimmed(token);
    if (token == "true") {
        push(CSIMDJSON_TRUE, key, has_key, token, depth);
    } else if (token == "false") {
        push(CSIMDJSON_FALSE, key, has_key, token, depth);
    } else if (token == "null") {
        push(CSIMDJSON_NULL, key, has_key, token, depth);
    } else if (is_number(token)) {
        push(CSIMDJSON_NUMBER, key, has_key, token, depth);
    } else {
        return fail(CSIMDJSON_INVALID, "Neither a value nor a number in JSON's grammar.", token.data());
    }
    // Only peeked at: the enclosing iterator moves past it.
    return CSIMDJSON_OK;
}

csimdjson_status csimdjson_parser::parse(const uint8_t *text, size_t length) {
    nodes.clear();
    error_offset = -1;
    error_text = "";
    if (length > text_max || length > CSIMDJSON_TEXT_MAX) { return fail(CAPACITY, nullptr); }
    if (!reserve(length)) { return fail(MEMALLOC, nullptr); }
    if (length > 0) { memcpy(buffer.get(), text, length); }
    memset(buffer.get() + length, 0, SIMDJSON_PADDING);

    ondemand::document document;
    padded_string_view view(buffer.get(), length, capacity + SIMDJSON_PADDING);
    if (auto error = parser.iterate(view).get(document)) { return fail(error, nullptr); }
    ondemand::json_type type;
    if (auto error = document.type().get(type)) { return fail(error, buffer.get()); }
    if (type != ondemand::json_type::object) {
        return fail(CSIMDJSON_NOT_AN_OBJECT, "The document is not an object.", buffer.get());
    }
    ondemand::object root;
    if (auto error = document.get_object().get(root)) { return fail(error, buffer.get()); }
    push(CSIMDJSON_OBJECT, {}, false, {}, 1);
    auto status = object(root, 0, 1, buffer.get());
    if (status != CSIMDJSON_OK) { return status; }
    const char *rest = nullptr;
    if (document.current_location().get(rest) != OUT_OF_BOUNDS) {
        return fail(CSIMDJSON_INVALID, "Something follows the document.", rest);
    }
    return CSIMDJSON_OK;
}

extern "C" {

csimdjson_parser *csimdjson_create(size_t text_max) {
    return new (std::nothrow) csimdjson_parser(std::min(text_max, CSIMDJSON_TEXT_MAX));
}

void csimdjson_destroy(csimdjson_parser *parser) { delete parser; }

csimdjson_status csimdjson_parse(csimdjson_parser *parser, const uint8_t *text, size_t length) {
    return parser->parse(text, length);
}

const csimdjson_node *csimdjson_nodes(const csimdjson_parser *parser) { return parser->nodes.data(); }

uint32_t csimdjson_node_count(const csimdjson_parser *parser) { return uint32_t(parser->nodes.size()); }

int64_t csimdjson_error_offset(const csimdjson_parser *parser) { return parser->error_offset; }

const char *csimdjson_error_text(const csimdjson_parser *parser) { return parser->error_text; }

int csimdjson_is_utf8(const uint8_t *text, size_t length) {
    return validate_utf8(reinterpret_cast<const char *>(text), length) ? 1 : 0;
}

}
