#ifndef CRDKAFKA_SHIM_H
#define CRDKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>
// The mock cluster is the embedded broker of `upselld demo` and of the error-handling tests.
#include <librdkafka/rdkafka_mock.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>

// Produces one copied record. Wraps rd_kafka_produceva(), whose entries are a union that Swift can only fill
// untyped. The topic is a handle, not a name: 2.0.2 may delay the first record by up to 1 s where it looks the topic up
// (fixed in 2.10.1). On an error the caller still owns `headers`; on success librdkafka does.
static inline rd_kafka_error_t *crdkafka_produce(
    rd_kafka_t *rk, rd_kafka_topic_t *rkt, int32_t partition, const void *key, size_t key_count, const void *value,
    size_t value_count, rd_kafka_headers_t *headers, int64_t timestamp)
{
    rd_kafka_vu_t entries[7];
    size_t count = 0;
    entries[count].vtype = RD_KAFKA_VTYPE_RKT;
    entries[count++].u.rkt = rkt;
    entries[count].vtype = RD_KAFKA_VTYPE_PARTITION;
    entries[count++].u.i32 = partition;
    entries[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    entries[count++].u.i = RD_KAFKA_MSG_F_COPY;
    entries[count].vtype = RD_KAFKA_VTYPE_KEY;
    entries[count].u.mem.ptr = (void *)key;
    entries[count++].u.mem.size = key_count;
    entries[count].vtype = RD_KAFKA_VTYPE_VALUE;
    entries[count].u.mem.ptr = (void *)value;
    entries[count++].u.mem.size = value_count;
    if (timestamp > 0) {
        entries[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
        entries[count++].u.i64 = timestamp;
    }
    if (headers) {
        entries[count].vtype = RD_KAFKA_VTYPE_HEADERS;
        entries[count++].u.headers = headers;
    }
    return rd_kafka_produceva(rk, entries, count);
}

// Sets TCP_NODELAY on this process's loopback listener with the port; Linux hands it on to the connections accepted
// there. The mock cluster's sockets have no option for it and no accessor, so they are found among the first
// descriptors.
static inline void crdkafka_listener_nodelay(uint16_t port)
{
    for (int descriptor = 3; descriptor < 4096; descriptor++) {
        int on = 0;
        socklen_t size = sizeof on;
        if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) != 0 || !on)
            continue;
        struct sockaddr_in address = {0};
        socklen_t length = sizeof address;
        if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0 || address.sin_family != AF_INET)
            continue;
        if (ntohs(address.sin_port) != port || ntohl(address.sin_addr.s_addr) != INADDR_LOOPBACK)
            continue;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

#endif
