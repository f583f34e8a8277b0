/* A policy on its way from the host: the frames between `policy` and `start`, and what they become. */
#pragma once
#include "protocol.gen.h"
#include "tables.h"

/* Where rules that are in the workspace are resolved. */
void policy_set_workspace(struct slice workspace);
/* Takes a frame of a policy. `failed` is the path of a rule that cannot be granted (errno; heap). */
enum policy_result { POLICY_TAKEN, POLICY_NOT_MINE, POLICY_MALFORMED, POLICY_NO_RULESET, POLICY_RULE_FAILED };
enum policy_result policy_take(uint8_t type, struct slice payload, char **failed);
/* Puts it in force for what starts from now on. False: there was none. */
bool policy_commit(struct msg_ready *ready);
/* What is in force; NULL: nothing yet. */
struct tables *policy_in_force(void);
