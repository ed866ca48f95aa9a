#ifndef CSYSTEMD_SHIM_H
#define CSYSTEMD_SHIM_H

// sd_journal_sendv and sd_notify are the non-variadic calls; without this define the header turns the former
// into a macro that records C source locations, which Swift cannot call.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#endif
