/* The warden proper: PID 1 of the sandbox, from its self-test to the end of the link. */
#pragma once

/* Never returns. The link is on descriptors 0 and 1. */
__attribute__((noreturn)) void warden_run(void);
