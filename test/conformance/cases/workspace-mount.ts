import type { Case } from "../case.ts";

export const workspaceMountCases: readonly Case[] = [];
