/* The local runtime's way into a sandbox: namespaces, a root of exactly the granted paths, and then the warden. */
#pragma once

/* Reads what to build from descriptor 0, builds it, and stays outside as the sandbox's owner until it ends. */
__attribute__((noreturn)) void launcher_run(void);
