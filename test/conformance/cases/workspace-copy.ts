import type { Case } from "../case.ts";

export const workspaceCopyCases: readonly Case[] = [];
