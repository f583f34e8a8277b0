/**
 * The schema of credentials. What looks at more than one key is in `issues.ts`.
 *
 * @module
 */
import * as z from "zod";
import * as f from "../fields.ts";
import { CREDENTIAL_PROFILES } from "./profiles.ts";
import type { CredentialPlaces, CredentialProvider, CredentialRule } from "./types.ts";

const PROVIDERS = Object.keys(CREDENTIAL_PROFILES) as CredentialProvider[];

const places: z.ZodType<CredentialPlaces> = z.strictObject({
  headers: f.list(f.headerField, 1).exactOptional(),
  query: f.list(f.nameField, 1).exactOptional(),
  basic: z.boolean().exactOptional(),
});

/** One credential. */
export const credentialField: z.ZodType<CredentialRule> = z.strictObject({
  provider: z.enum(PROVIDERS).exactOptional(),
  name: f.variableField.exactOptional(),
  variable: f.variableField.exactOptional(),
  hosts: f.list(f.hostField, 1).exactOptional(),
  ports: f.list(f.countField(65_535), 1).exactOptional(),
  paths: f.list(f.urlPathField, 1).exactOptional(),
  login: z.boolean().exactOptional(),
  places: places.exactOptional(),
  expose: z.enum(["sealed", "env"]).exactOptional(),
  plaintext: z.boolean().exactOptional(),
  optional: z.boolean().exactOptional(),
});
