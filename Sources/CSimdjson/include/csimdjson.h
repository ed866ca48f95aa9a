#ifndef CSIMDJSON_H
#define CSIMDJSON_H

// A JSON reader over simdjson's first stage: one JSON document in, one flat list of nodes out.
//
// simdjson finds where tokens start, checks UTF-8 and that strings are closed, and resolves escapes; the grammar is
// followed here. Strict by construction: every token is visited, numbers and literals are checked against RFC 8259,
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

/// Flag of a string that has a NUL character, which only an escape can bring.
#define CSIMDJSON_HAS_NUL 1

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
    /// Of the member name; equal for equal names.
    uint16_t key_hash;
    uint8_t kind;
    uint8_t flags;
} csimdjson_node;

/// The last parse: nodes in document order, the root first, and the root's members that CloudEvents knows.
///
/// A member is the index of its node; 0, which is the root, where it is missing or null.
typedef struct {
    const csimdjson_node *nodes;
    uint32_t count;
    uint32_t specversion;
    uint32_t id;
    uint32_t source;
    uint32_t type;
    uint32_t subject;
    uint32_t time;
    uint32_t backfill;
    uint32_t snapshot;
    uint32_t data;
} csimdjson_document;

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

/// What the last parse found; empty after a failure. The place never changes, what is there with every parse.
const csimdjson_document *csimdjson_result(const csimdjson_parser *parser);

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
