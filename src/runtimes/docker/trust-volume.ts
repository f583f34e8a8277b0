/**
 * The files that make programs trust the sandbox's certificate authority: in an anonymous volume that goes with the
 * container, and that belongs to root, which nobody in the container is.
 *
 * @module
 */
import type Docker from "dockerode";
import { type SandboxFile, TRUST_DIRECTORY } from "../../egress/tls/trust.ts";
import type { Mount } from "./container-options.ts";
import { archiveOf } from "./warden-files.ts";

/** The volume's mount; none where there is nothing to bring. */
export function trustMounts(files: readonly SandboxFile[], labels: Readonly<Record<string, string>>): Mount[] {
  if (files.length === 0) return [];
  const VolumeOptions = { NoCopy: true, Labels: labels };
  return [{ Type: "volume", Target: TRUST_DIRECTORY, ReadOnly: false, VolumeOptions }];
}

/** Fills it, before the container starts. */
export async function fillTrust(container: Docker.Container, files: readonly SandboxFile[]): Promise<void> {
  if (files.length === 0) return;
  const inside = files.map(({ path, content }) => ({
    path: path.slice(TRUST_DIRECTORY.length + 1),
    mode: 0o444,
    content: Buffer.from(content),
  }));
  await container.putArchive(archiveOf(inside), { path: TRUST_DIRECTORY });
}
