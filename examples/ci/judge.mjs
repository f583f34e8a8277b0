/** A judge by rules. An agent with a model would be one as well: what it may do, and what its verdict is, stays the same. */
import { readFileSync } from "node:fs";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const RISKY = /database|bucket|volume|key/;
const reasons = plan.resource_changes
  .filter(({ type, change }) => change.actions.includes("delete") && RISKY.test(type))
  .map(({ address }) => ({ resource: address, action: "delete", risk: "what it holds would be gone" }));
process.stdout.write(`${JSON.stringify({ verdict: reasons.length === 0 ? "go" : "stop", reasons })}\n`);
