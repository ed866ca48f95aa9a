#ifndef CRDKAFKA_SHIM_H
#define CRDKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>
// The mock cluster is the embedded broker of `upselld demo` and of the error-handling tests.
#include <librdkafka/rdkafka_mock.h>

#endif
