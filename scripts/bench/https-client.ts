/** What the bench of HTTPS runs, the same inside a sandbox and outside: programs that Node runs, and curl. */

/** The name that the host answers to. */
export const NAME = "bench.test";

const HEAD = `
const [host, port, count, path] = process.argv.slice(1);
const https = require("node:https"), http2 = require("node:http2"), tls = require("node:tls");
const to = { host, port, servername: "${NAME}" };
const timed = async (work) => {
  const from = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - from) / 1e6;
};
const get = (agent, first) => new Promise((done, fail) => {
  const sent = https.get({ ...to, path, agent, headers: { Host: "${NAME}:" + port } }, (answer) => {
    const closed = new Promise((over) => answer.once("close", over));
    answer.once(first ? "data" : "end", () => done({ closed })).resume();
  });
  sent.once("error", fail);
});
`;

/** Requests on one connection, one after the other: a list of milliseconds. */
export const HTTP1: string = `${HEAD}
(async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 30; i++) await get(agent);
  const times = [];
  for (let i = 0; i < count; i++) times.push(await timed(() => get(agent)));
  console.log(JSON.stringify(times));
  process.exit();
})();`;

/** The same over HTTP/2. */
export const HTTP2: string = `${HEAD}
(async () => {
  const socket = tls.connect({ ...to, ALPNProtocols: ["h2"] });
  const session = http2.connect("https://${NAME}:" + port, { createConnection: () => socket });
  const ask = () => new Promise((done, fail) => {
    session.request({ ":path": path }).on("error", fail).on("end", done).resume();
  });
  for (let i = 0; i < 30; i++) await ask();
  const times = [];
  for (let i = 0; i < count; i++) times.push(await timed(ask));
  console.log(JSON.stringify(times));
  process.exit();
})();`;

/** Until the first byte of an event is there. */
export const EVENTS: string = `${HEAD}
(async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  for (let i = -10; i < count; i++) {
    let answer;
    const took = await timed(async () => { answer = await get(agent, true); });
    if (i >= 0) times.push(took);
    await answer.closed;
  }
  console.log(JSON.stringify(times));
  process.exit();
})();`;

/** Connections that are all open at one time, with a request on each: milliseconds. */
export const MANY: string = `${HEAD}
(async () => {
  const took = await timed(async () => {
    const agents = Array.from({ length: count }, () => new https.Agent({ keepAlive: true }));
    await Promise.all(agents.map((agent) => get(agent)));
  });
  console.log(JSON.stringify([took]));
  process.exit();
})();`;

/** Connections one after the other, thirty-two at a time: milliseconds for all of them. */
export const ROW: string = `${HEAD}
(async () => {
  let left = Number(count);
  const took = await timed(() => Promise.all(Array.from({ length: 32 }, async () => {
    while (left-- > 0) await get(new https.Agent({ keepAlive: false }));
  })));
  console.log(JSON.stringify([took]));
  process.exit();
})();`;
