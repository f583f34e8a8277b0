/** What the bench of inference runs, the same inside a sandbox and outside: programs of Node that call a model. */

const HEAD = `
const [url, count] = process.argv.slice(1);
const { Agent, request } = url.startsWith("https:") ? require("node:https") : require("node:http");
const call = (agent, pieces) => new Promise((done, fail) => {
  const body = JSON.stringify({ model: "bench", stream: true, max_tokens: pieces, messages: [{ role: "user", content: "hi" }] });
  const from = process.hrtime.bigint();
  const sent = request(url, { agent, method: "POST", headers: { "Content-Type": "application/json", "Content-Length": body.length } }, (answer) => {
    let first;
    let end = "";
    answer.on("data", (data) => {
      first ??= Number(process.hrtime.bigint() - from) / 1e6;
      end = (end + data).slice(-32);
    });
    answer.once("end", () => (end.endsWith("[DONE]\\n\\n") ? done(first) : fail(new Error("it was cut short: " + end))));
    answer.once("error", fail);
  });
  sent.once("error", fail).end(body);
});
`;

/** Calls on one connection, one after the other: until the first piece of each answer, in milliseconds. */
export const FIRST: string = `${HEAD}
(async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 20; i++) await call(agent, 1);
  const times = [];
  for (let i = 0; i < count; i++) times.push(await call(agent, 1));
  console.log(JSON.stringify(times));
  process.exit();
})();`;

/** Streams at one time, of 200 pieces each: how long until the last has ended, in milliseconds. */
export const STREAMS: string = `${HEAD}
(async () => {
  const agent = new Agent({ keepAlive: true });
  await call(agent, 1);
  const from = process.hrtime.bigint();
  await Promise.all(Array.from({ length: Number(count) }, () => call(agent, 200)));
  console.log(JSON.stringify([Number(process.hrtime.bigint() - from) / 1e6]));
  process.exit();
})();`;
