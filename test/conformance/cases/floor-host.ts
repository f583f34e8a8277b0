import type { Case } from "../case.ts";

export const floorHostCases: readonly Case[] = [];
