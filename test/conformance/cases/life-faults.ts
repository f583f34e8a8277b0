import type { Case } from "../case.ts";

export const lifeFaultCases: readonly Case[] = [];
