#ifndef CSIMDJSON_H
#define CSIMDJSON_H

// C face of simdjson's on-demand parser: one JSON document in, one flat list of nodes out.
//
// Strict by construction: every value is visited, numbers and literals are checked against the grammar of RFC 8259,
// every object is searched for repeated keys, and nothing is handed out before the end of the text was found where it
// must be. The root has to be an object.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Version of simdjson that was compiled against, as `3.0.1`; its on-demand part is in its headers.
const char *csimdjson_version(void);

/// A parser with its buffers. Single owner, not thread-safe.
typedef struct csimdjson_parser csimdjson_parser;

typedef enum {
    CSIMDJSON_NULL = 0,
    CSIMDJSON_FALSE = 1,
    CSIMDJSON_TRUE = 2,
    CSIMDJSON_NUMBER = 3,
    CSIMDJSON_STRING = 4,
    CSIMDJSON_ARRAY = 5,
    CSIMDJSON_OBJECT = 6,
} csimdjson_kind;

/// A value in document order. Pointers are valid until the next parse and are never NULL where the length is not 0.
typedef struct {
    /// Member name, unescaped UTF-8; NULL for the root and for elements of arrays.
    const uint8_t *key;
    /// Strings: unescaped UTF-8. Numbers and literals: as written. Containers: empty.
    const uint8_t *text;
    uint32_t key_length;
    uint32_t text_length;
    /// Index of the first node behind this value and everything in it.
    uint32_t next;
    uint8_t kind;
    /// 1 for the root object.
    uint8_t depth;
} csimdjson_node;

typedef enum {
    CSIMDJSON_OK = 0,
    CSIMDJSON_INVALID = 1,
    CSIMDJSON_INVALID_UTF8 = 2,
    CSIMDJSON_TOO_DEEP = 3,
    CSIMDJSON_DUPLICATE_KEY = 4,
    CSIMDJSON_NOT_AN_OBJECT = 5,
    CSIMDJSON_TOO_LARGE = 6,
    CSIMDJSON_NO_MEMORY = 7,
} csimdjson_status;

/// Containers within containers; the root is the first.
#define CSIMDJSON_DEPTH_MAX 64

/// Longest text that any parser takes, whatever its own bound: offsets are 32-bit.
#define CSIMDJSON_TEXT_MAX ((size_t)1 << 30)

/// NULL without memory. `text_max` bounds the texts it takes; buffers grow with what is really seen.
csimdjson_parser *csimdjson_create(size_t text_max);
void csimdjson_destroy(csimdjson_parser *parser);

/// Parses `text`, which is copied into a padded buffer. Nodes are to be had after `CSIMDJSON_OK` only.
csimdjson_status csimdjson_parse(csimdjson_parser *parser, const uint8_t *text, size_t length);

/// Nodes of the last parse in document order, the root first.
const csimdjson_node *csimdjson_nodes(const csimdjson_parser *parser);
uint32_t csimdjson_node_count(const csimdjson_parser *parser);

/// Byte offset near which the last parse failed; -1 where none is known.
int64_t csimdjson_error_offset(const csimdjson_parser *parser);

/// simdjson's word for the last failure; static storage.
const char *csimdjson_error_text(const csimdjson_parser *parser);

/// Whether the bytes are well-formed UTF-8.
int csimdjson_is_utf8(const uint8_t *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
