/* SPDX-License-Identifier: MIT */
/*
 * exit_status - what trawlwatchd and trawlctl tell the shell.
 *
 * A contract with scripts; trawlwatchd(8) and `trawlwatchd -h` name the same four.
 */
#ifndef APP_EXIT_STATUS_H
#define APP_EXIT_STATUS_H

enum exit_status {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,  /* could not do it; the reason is on standard error */
        EXIT_USAGE = 2,   /* wrong usage */
        EXIT_MISTAKE = 3, /* a configuration, site map or rule file is wrong */
};

#endif
