import type { Case } from "../case.ts";

export const lifeCases: readonly Case[] = [];
