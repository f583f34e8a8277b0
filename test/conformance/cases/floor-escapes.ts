import type { Case } from "../case.ts";

export const floorEscapeCases: readonly Case[] = [];
