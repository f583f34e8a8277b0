/**
 * What the cases about credentials have in common: a host that says what it was sent, and a sandbox that has a secret for it.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CredentialRule, NetworkRule, Policy, Sandbox, SandboxOptions } from "../../src/mod.ts";
import type { Scene } from "./scene.ts";
import { ruleFor, type StandIn, standIn, WORLD } from "./stand-in.ts";

/** A value that nothing else holds: never a literal, or the test's own source would hold it. */
export function secret(prefix = "ghp_"): string {
  return prefix + randomBytes(18).toString("hex");
}

/** A host that keeps what it was sent, and answers with `answer`, or its path. */
export async function witness(
  scene: Scene,
  host = "api.test",
  answer: (sent: Sent) => string = ({ path }) => path,
): Promise<StandIn & { readonly sent: Sent[] }> {
  const sent: Sent[] = [];
  const server = await standIn(scene, host, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const one = {
        path: request.url ?? "",
        headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
        body: Buffer.concat(chunks).toString(),
      };
      sent.push(one);
      response.end(answer(one));
    });
  });
  return { ...server, sent };
}

/** A request as it reached a host. */
export interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A policy with credentials, whose hosts are this machine. */
export function policyWith(allow: readonly NetworkRule[], credentials: readonly CredentialRule[]): Policy {
  return { version: 1, filesystem: { write: ["."] }, network: { allow }, credentials };
}

/** A sandbox of it. */
export function credentialSandbox(scene: Scene, policy: Policy, options: SandboxOptions = {}): Promise<Sandbox> {
  return scene.create(policy, { resolver: () => ["127.0.0.1"], certificates: [WORLD.certificate], ...options });
}

/** A rule that lets everything go to a host. */
export function openRule(host: StandIn): NetworkRule {
  return ruleFor(host, undefined, { id: host.host });
}

/** Where in a sandbox, or in what the host keeps of it, a text is, or one of several. They reach it by a pipe: none is in an argv there. */
export async function traces(
  scene: { readonly place: Pick<Scene["place"], "docker"> },
  sandbox: Sandbox,
  text: string | readonly string[],
  logs: readonly string[],
): Promise<string[]> {
  const texts = typeof text === "string" ? [text] : text;
  const options = { stdin: `${texts.join("\n")}\n`, timeoutMs: 50_000 };
  const search = async (where: string): Promise<string[]> => {
    const { stdout } = await sandbox.exec(["sh", "-c", `grep -${where} 2>/dev/null; true`], options);
    return stdout.split("\n").filter(Boolean);
  };
  // Not all roots can be listed; and /usr, which nobody writes, is long.
  const roots = "/workspace /home /tmp /var /etc /run /opt /srv /root /mnt /dev/shm /.cofferdam /.cofferdam-trust";
  const found = await search(`rlaF -f - ${roots}`);
  const running = await sandbox.spawn(["sleep", "60"]);
  found.push(...(await search("laF -f - /proc/[0-9]*/environ /proc/[0-9]*/cmdline")));
  await running.kill();
  const isIn = (kept: string): boolean => texts.some((each) => kept.includes(each));
  if (scene.place.docker) {
    for (const about of ["inspect", "logs"]) {
      // Also what an engine says that keeps no logs.
      const { stdout, stderr } = spawnSync("docker", [about, `cofferdam-${sandbox.id}`], { encoding: "utf8" });
      if (isIn(stdout + stderr)) found.push(`docker ${about}`);
    }
  }
  if (isIn(JSON.stringify([sandbox.events.recent(), sandbox.policy, sandbox.enforcement]))) found.push("records");
  for (const log of logs) if (isIn(readFileSync(log, "utf8"))) found.push(log);
  return found;
}

/** Where a case keeps an audit log. */
export function logIn(scene: Scene): string {
  return join(scene.folder(), "audit.jsonl");
}
