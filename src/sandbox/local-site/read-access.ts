/**
 * What a program asks for at `cofferdam.local`, read strictly: everything about it is hostile.
 *
 * @module
 */
import * as z from "zod";
import { canonicalName } from "../../egress/http/host.ts";
import { isAddress } from "../../policy/core.ts";

/** A host that a program wants to reach. */
export interface NetworkAsk {
  readonly kind: "network";
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** One kind of request. Absent: the whole connection. */
  readonly request?: { readonly method: string; readonly path: string };
  /** Why, in the program's own words: one line. */
  readonly reason: string;
}

/** Something of the sandbox itself. */
export interface OtherAsk {
  readonly kind: "filesystem" | "process";
  /** A path, or a program. */
  readonly object: string;
  readonly reason: string;
}

/** What a program asks for. */
export type AccessAsk = NetworkAsk | OtherAsk;

/** How long a request may be, in bytes. */
export const ASK_BYTES_MAX = 8192;

/** For people to read on a terminal, or in a web page: nothing that moves a cursor, or turns the direction of a text. */
const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, "control characters");

const reason = line(500);
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

const host = z
  .string()
  .max(253)
  .transform(canonicalName)
  .refine((name) => isAddress(name) || isName(name), "a name or an address, and no pattern");

const network = z
  .strictObject({
    host,
    port: z.int().min(1).max(65_535).default(443),
    method: z
      .string()
      .regex(/^[A-Z][A-Z-]{0,31}$/)
      .optional(),
    path: line(1024).startsWith("/").optional(),
    reason,
  })
  .refine(({ method, path }) => (method === undefined) === (path === undefined), "method and path come together");

const file = z.strictObject({ path: line(4096), access: z.enum(["read", "write"]).optional(), reason });

const program = z.strictObject({ program: line(4096), reason });

/** Reads it; a text: what is wrong with it. */
export function readAccess(body: unknown): AccessAsk | string {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return FORMS;
  if ("host" in body) {
    const { data, error } = network.safeParse(body);
    if (data === undefined) return describe(error);
    const { method, path, ...rest } = data;
    return {
      kind: "network",
      ...rest,
      ...(method === undefined || path === undefined ? {} : { request: { method, path } }),
    };
  }
  if ("path" in body) {
    const { data, error } = file.safeParse(body);
    return data === undefined ? describe(error) : { kind: "filesystem", object: data.path, reason: data.reason };
  }
  if ("program" in body) {
    const { data, error } = program.safeParse(body);
    return data === undefined ? describe(error) : { kind: "process", object: data.program, reason: data.reason };
  }
  return FORMS;
}

const FORMS =
  'expected an object of JSON: { "host", "port", "reason" }, with "method" and "path" for one kind of request, or { "path", "reason" }, or { "program", "reason" }';

/** The first thing. What was sent is not repeated. */
function describe(error: z.ZodError): string {
  const [issue] = error.issues;
  const place = issue?.path.map(String).join(".") ?? "";
  return place === "" ? (issue?.message ?? FORMS) : `${place}: ${issue?.message}`;
}

function isName(name: string): boolean {
  const labels = name.split(".");
  // What a URL parser takes for an address is none that is written so.
  return labels.every((each) => label.test(each)) && !/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "");
}
