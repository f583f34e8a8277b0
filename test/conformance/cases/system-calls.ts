import type { Case } from "../case.ts";

export const systemCallCases: readonly Case[] = [];
