/* A program without a library, which ends with the status that it was built with (STATUS). It can be started by itself, and
 * be what the kernel maps for another program as that one's interpreter. */
#ifndef STATUS
#error "STATUS is to be given"
#endif

__attribute__((noreturn)) void _start(void) {
#if defined(__x86_64__)
    __asm__ volatile("syscall" ::"a"(231 /* exit_group */), "D"(STATUS));
#else
    register long status __asm__("x0") = STATUS, number __asm__("x8") = 94 /* exit_group */;
    __asm__ volatile("svc 0" ::"r"(status), "r"(number));
#endif
    __builtin_unreachable();
}
