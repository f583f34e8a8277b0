import type { Case } from "../case.ts";

export const floorWriteCases: readonly Case[] = [];
