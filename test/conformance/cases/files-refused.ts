import type { Case } from "../case.ts";

export const fileRefusalCases: readonly Case[] = [];
