#include "own_ports.h"
#include "die.h"
#include <stddef.h>

enum { OWN_PORTS_MAX = 8 };

static uint16_t ports[OWN_PORTS_MAX];
static size_t count;

void own_ports_add(uint16_t port) {
    if (count == OWN_PORTS_MAX)
        die("the warden has more ports than it can remember");
    ports[count++] = port;
}

bool own_ports_have(uint16_t port) {
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}
