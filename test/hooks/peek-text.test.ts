import { expect, test } from "vitest";
import { peekText, SandboxError } from "../../src/mod.ts";

const endless = () => {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        taken++;
        controller.enqueue(new Uint8Array(1000).fill(0x61));
      },
    },
    { highWaterMark: 0 },
  );
  return { response: new Response(body), taken: () => taken };
};

test("peekText() leaves the body to be read", async () => {
  const request = new Request("https://a.test/", { method: "POST", body: "täxt" });
  expect(await peekText(request)).toBe("täxt");
  expect(request.bodyUsed).toBe(false);
  expect(await request.text()).toBe("täxt");
  expect(await peekText(new Response(null))).toBe("");
});

test("peekText() reads no more of an endless body than it may", async () => {
  const { response, taken } = endless();
  const error: unknown = await peekText(response, { maxBytes: 10_000 }).catch((thrown: unknown) => thrown);
  expect(SandboxError.is(error, "BODY_TOO_LONG") && error.details).toEqual({ maxBytes: 10_000 });
  expect(taken()).toBeLessThan(20);
});
