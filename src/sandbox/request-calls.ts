/**
 * What a request asks for, in short: for records, approvers and hints. What else it says stays out.
 *
 * @module
 */
import type { Content } from "../policy/http/mod.ts";

const CALLS_MAX = 16;
const CALL_MAX = 128;

/** Such as `mutation createIssue` or `tools/call search`, each once; empty where rules are about none of it. */
export function callsOf(content: Content | undefined): readonly string[] {
  const { graphql, rpc } = content ?? {};
  const fields = Array.isArray(graphql) ? graphql : [];
  const messages = Array.isArray(rpc) ? rpc : [];
  const calls = [
    ...fields.map(({ operation, field, sha256 }) => {
      return operation === undefined ? `persisted ${sha256}` : `${operation} ${field}`;
    }),
    ...messages.map(({ form, method, tool }) => {
      return form === "answer" ? "an answer" : tool === undefined ? method : `${method} ${tool}`;
    }),
  ];
  const short = [...new Set(calls)].map((call) => (call.length > CALL_MAX ? `${call.slice(0, CALL_MAX)}…` : call));
  return short.length > CALLS_MAX ? [...short.slice(0, CALLS_MAX), `${short.length - CALLS_MAX} more`] : short;
}

/** Why what it says cannot be judged, as the end of a sentence. */
export function contentProblem(content: Content | undefined): string | undefined {
  const problems = [content?.graphql, content?.rpc].flatMap((spoken) => {
    return typeof spoken === "object" && "problem" in spoken ? [spoken.problem] : [];
  });
  return callsOf(content).length === 0 ? problems[0] : undefined;
}
