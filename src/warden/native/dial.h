/* Connections that the host asks for: to a server on the sandbox's own loopback. */
#pragma once
#include "protocol.gen.h"

/* Connects, and relays (relay.h); or answers `failed` and `gone`. */
void dial(uint32_t stream, const struct msg_dial *request);
/* Whether the stream is still being connected. The host may only give it up then: dial_cancel. */
bool dial_has(uint32_t stream);
void dial_cancel(uint32_t stream);
