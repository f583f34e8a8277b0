/** A launcher that never builds anything: what it does before that can be tried by itself. */
import process from "node:process";
import { type Launched, launch } from "../../../src/runtimes/local/launch.ts";
import { createWardenLocator } from "../../../src/warden/mod.ts";

const locate = createWardenLocator();

/** Does something with a launcher, and ends it. */
export async function withLauncher<T>(use: (launcher: Launched) => Promise<T>): Promise<T> {
  const { path } = await locate(process.arch === "arm64" ? "arm64" : "x64");
  const launcher = await launch(path);
  try {
    return await use(launcher);
  } finally {
    await launcher.end();
  }
}
