/* The ports of the loopback that the warden itself listens on: nobody is led there, neither the host nor the agent. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

void own_ports_add(uint16_t port);
bool own_ports_have(uint16_t port);
