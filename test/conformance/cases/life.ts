/**
 * The life of a sandbox: its start, what it says of itself, and its end.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Policy } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { mark, refused, shell, within } from "../help.ts";
import { expectNothingLeft, lookAround, volumesOf } from "../leftovers.ts";
import { SHARED_POLICY } from "../scene.ts";

export const lifeCases: readonly Case[] = [
  {
    name: "stop() ends everything and leaves nothing; once more it does nothing",
    async run(scene) {
      const before = await lookAround(scene);
      const sandbox = await scene.own();
      const volumes = await volumesOf(scene, sandbox);
      await shell(sandbox, `setsid sleep ${mark()} & setsid sleep ${mark()} & exit 0`);
      await within(20_000, "stop()", Promise.all([sandbox.stop(), sandbox.stop()]));
      await sandbox.stop();
      expect(await sandbox.ended).toBe("stopped");
      await expectNothingLeft(scene, before, volumes);
    },
  },
  {
    name: "after stop() everything is refused with SANDBOX_STOPPED",
    async run(scene) {
      const sandbox = await scene.own();
      await sandbox.stop();
      for (const attempt of [
        () => sandbox.exec(["true"]),
        () => sandbox.spawn(["true"]),
        () => sandbox.sh`true`,
        () => sandbox.files.read("readonly/file.txt"),
        () => sandbox.files.write("writable/x", "x"),
        () => sandbox.files.list(),
      ]) {
        const error = await within(10_000, "the refusal", refused(attempt(), "SANDBOX_STOPPED"));
        expect(error.details.id).toBe(sandbox.id);
      }
    },
  },
  {
    name: "stop() rejects what is under way with SANDBOX_STOPPED",
    async run(scene) {
      const sandbox = await scene.own();
      const command = await sandbox.spawn(["sleep", mark()], { stdin: "pipe" });
      const pending = [
        refused(sandbox.exec(["sleep", mark()]), "SANDBOX_STOPPED"),
        refused(sandbox.exec(["cat"], { stdin: new ReadableStream<Uint8Array>() }), "SANDBOX_STOPPED"),
        refused(command.exited, "SANDBOX_STOPPED"),
        refused(new Response(command.stdout).text(), "SANDBOX_STOPPED"),
        refused(sandbox.files.write("writable/x", new ReadableStream<Uint8Array>()), "SANDBOX_STOPPED"),
      ];
      await sandbox.exec(["true"]);
      await within(20_000, "stop()", sandbox.stop());
      await within(20_000, "the rest", Promise.all(pending));
      expect(await command.stdin.write("x")).toBe(false);
      await command.kill();
    },
  },
  {
    name: "a sandbox that is disposed of is stopped",
    async run(scene) {
      const before = await lookAround(scene);
      let ended: Promise<string> | undefined;
      {
        await using sandbox = await scene.place.create({ version: 1 });
        ended = sandbox.ended;
        expect((await sandbox.exec(["echo", "x"])).stdout).toBe("x\n");
      }
      expect(await ended).toBe("stopped");
      await expectNothingLeft(scene, before);
    },
  },
  {
    name: "createSandbox() with a signal that was aborted before is ABORTED",
    async run(scene) {
      const before = await lookAround(scene);
      await refused(
        scene.create(SHARED_POLICY, { workspace: scene.furnished(), signal: AbortSignal.abort() }),
        "ABORTED",
      );
      await expectNothingLeft(scene, before);
    },
  },
  {
    name: "an abort at any moment of the start, or after it, leaves nothing",
    async run(scene) {
      const before = await lookAround(scene);
      const workspace = scene.furnished();
      for (const delay of [0, 1, 3, 6, 10, 15, 25, 40, 70, 120, 200, 350]) {
        const controller = new AbortController();
        const creating = scene.create(SHARED_POLICY, { workspace, signal: controller.signal });
        setTimeout(() => controller.abort(new Error("never mind")), delay);
        const outcome = await within(
          30_000,
          "createSandbox()",
          creating.catch((error: unknown) => error),
        );
        if (outcome instanceof Error) expect([delay, outcome]).toMatchObject([delay, { code: "ABORTED" }]);
        else await within(20_000, "the end", (outcome as Awaited<typeof creating>).ended);
      }
      await expectNothingLeft(scene, before);
    },
  },
  {
    name: "a start that fails leaves nothing",
    async run(scene) {
      const before = await lookAround(scene);
      const workspace = scene.furnished();
      const limits = { memory: "64MiB", mode: "best-effort" } as const;
      const policies: Policy[] = [
        { version: 1, filesystem: { read: ["./missing"] }, process: { limits } },
        { version: 1, filesystem: { read: ["./bin", "/no/such/path"] }, process: { limits } },
      ];
      for (const policy of policies) {
        await refused(scene.create(policy, { workspace }), "PATH_MISSING");
        await refused(scene.create(policy, { workspace: { path: workspace, mode: "mount" } }), "PATH_MISSING");
      }
      await expectNothingLeft(scene, before);
    },
  },
  {
    name: "an image that does not exist is IMAGE_MISSING, and one for the local runtime is refused",
    async run(scene) {
      const before = await lookAround(scene);
      const image = "cofferdam-test-no-such-image:latest";
      const attempt = scene.create({ version: 1 }, { image });
      if (scene.place.docker) expect((await refused(attempt, "IMAGE_MISSING")).details.image).toBe(image);
      else await refused(attempt, "RUNTIME_UNAVAILABLE");
      await expectNothingLeft(scene, before);
    },
  },
  {
    name: "what is in force is said, and is so",
    async run(scene) {
      const sandbox = await scene.own();
      const { enforcement } = sandbox;
      expect(enforcement).toMatchObject({
        runtime: scene.place.docker ? "docker" : "local",
        mode: "trapped",
        programs: "floor",
        network: "none",
        workspace: "copy",
        limits: "none",
        unixSockets: true,
        audit: { files: "denials", inference: "metadata" },
      });
      expect(enforcement.landlockAbi).toBeGreaterThanOrEqual(3);
      expect(enforcement.rules.applied).toBeGreaterThan(5);
      const inside = await shell(sandbox, "uname -r; id -u; id -g");
      expect(inside.stdout).toBe(`${enforcement.kernel}\n${enforcement.user.uid}\n${enforcement.user.gid}\n`);
      expect(Object.isFrozen(enforcement)).toBe(true);
    },
  },
  {
    name: "a policy is one policy as an object, as YAML, and as a file",
    async run(scene) {
      const text = "version: 1\nname: text\nfilesystem:\n  read: [./bin, ./readonly]\n  write: [./writable]\n";
      const file = join(scene.folder(), "policy.yaml");
      writeFileSync(file, text);
      const workspace = scene.furnished();
      const object: Policy = { ...SHARED_POLICY, name: "text" };
      const digests = new Set<string>();
      for (const policy of [object, text, file]) {
        const sandbox = await scene.create(policy, { workspace });
        digests.add(sandbox.policy.digest);
        expect(sandbox.policy).toMatchObject({ generation: 1, policy: { name: "text" } });
        expect((await shell(sandbox, "cat readonly/file.txt; cat secret/secret.txt")).stdout).toBe("read me\n");
        await sandbox.stop();
      }
      expect([...digests]).toEqual([expect.stringMatching(/^sha256:[0-9a-f]{64}$/)]);
    },
  },
  {
    name: "a malformed policy is POLICY_INVALID with its place; what is not enforced yet is POLICY_UNSUPPORTED",
    async run(scene) {
      const unknown = await refused(scene.create("version: 1\nfilesystem:\n  reed: [.]\n"), "POLICY_INVALID");
      expect(unknown.details.issues).toMatchObject([{ path: "filesystem.reed", line: 3, nearest: "read" }]);
      await refused(scene.create({ version: 1, inference: { unmatched: "ask" } }), "POLICY_UNSUPPORTED");
    },
  },
  {
    name: "events can be listened to and iterated over, in one order, up to the end",
    async run(scene) {
      const sandbox = await scene.own();
      const iterated: string[] = [];
      const reading = (async () => {
        for await (const record of sandbox.events) {
          iterated.push("sequence" in record ? `${record.sequence} ${record.kind}` : record.kind);
        }
      })();
      const heard: string[] = [];
      sandbox.events.on("record", (record) => heard.push(`${record.sequence} ${record.kind}`));
      await sandbox.exec(["true"]);
      await refused(sandbox.files.write("readonly/x", "x"), "FILE_DENIED");
      await sandbox.stop();
      await within(10_000, "the iteration", reading);
      // An iteration begins with the sandbox.
      expect(iterated).toEqual(["1 sandbox.start", ...heard]);
      const kinds = heard.map((each) => each.split(" ")[1]);
      expect(kinds).toEqual(["command.start", "command.end", "decision", "sandbox.end"]);
      const numbers = heard.map((each) => Number(each.split(" ")[0]));
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    },
  },
  {
    name: "many sandboxes start and stop at a time, each with its own files",
    async run(scene) {
      const before = await lookAround(scene);
      const policy = { version: 1, filesystem: { write: ["."] } } as const;
      const sandboxes = await Promise.all(Array.from({ length: 8 }, () => scene.create(policy)));
      expect(new Set(sandboxes.map(({ id }) => id)).size).toBe(8);
      await Promise.all(sandboxes.map((sandbox, index) => sandbox.files.write("mine", String(index))));
      const read = await Promise.all(sandboxes.map((sandbox) => sandbox.files.readText("mine")));
      expect(read).toEqual(sandboxes.map((_, index) => String(index)));
      await within(30_000, "the end of all", Promise.all(sandboxes.map((sandbox) => sandbox.stop())));
      await expectNothingLeft(scene, before);
    },
  },
];
