import type { Case } from "../case.ts";

export const workspaceHostileCases: readonly Case[] = [];
