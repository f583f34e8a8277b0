import type { Case } from "../case.ts";

export const limitCases: readonly Case[] = [];
