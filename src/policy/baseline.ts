/**
 * What every program needs to run at all, as data: loader, libraries, a little of `/etc`, devices, scratch space.
 *
 * Everything here applies where it exists. `filesystem.baseline: false` turns all of it off.
 *
 * @module
 */

import type { BaselineGrant, PathAccess } from "./normalized.ts";

/** Programs and libraries. `/opt` is not here: what a vendor put there is for a policy to name. */
const SYSTEM: readonly string[] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/** Entries of `/etc`. The whole of it would give away `shadow`, private keys and what images hide there. */
const ETC: readonly string[] = [
  // Users, names and time: what libc looks up.
  ...["passwd", "group", "shells", "hosts", "hostname", "host.conf", "gai.conf", "nsswitch.conf", "resolv.conf"],
  ...["services", "protocols", "localtime", "timezone"],
  // What this system is.
  ...["os-release", "lsb-release", "debian_version", "alpine-release", "redhat-release"],
  // The loaders of glibc and musl. musl forgets its own directories where its file exists and cannot be read.
  ...["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld-musl-x86_64.path", "ld-musl-aarch64.path"],
  // Certificates, without /etc/ssl/private and /etc/pki/tls/private.
  ...["ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ssl/ct_log_list.cnf", "ca-certificates", "ca-certificates.conf"],
  ...["pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf", "pki/tls/ct_log_list.cnf"],
  // Fedora's openssl.cnf includes its back ends from here.
  "crypto-policies",
  // Shells and terminals.
  ...["profile", "profile.d", "bash.bashrc", "bashrc", "inputrc", "terminfo"],
  // Where commands of /usr/bin really point, on Debian and its kin.
  "alternatives",
  ...["mime.types", "fonts", "perl"],
  // git ends with an error where this exists and cannot be read.
  "gitconfig",
  // Debian's interpreters keep sitecustomize and java.security here, behind links from /usr.
  ...["python3", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"],
  ...["java", "java-8-openjdk", "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "java-25-openjdk"],
];

/** Of `/sys`, only what libc and runtimes count processors with. `/proc` is the sandbox's own pid namespace. */
const KERNEL: readonly string[] = ["/proc", "/sys/devices/system/cpu"];

/** Device files; `pts` is a directory. `/dev/kmsg`, disks and the rest stay closed. */
const DEVICES: readonly string[] = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts"];

/** Scratch space, private to the sandbox: shared memory is files in `/dev/shm`; `~` is the home. */
const SCRATCH: readonly string[] = ["/tmp", "/var/tmp", "/dev/shm", "~"];

function grants(access: PathAccess, paths: readonly string[]): BaselineGrant[] {
  return paths.map((path) => Object.freeze({ id: `baseline:${path}`, path, access, optional: true as const }));
}

/** The grants of the baseline, each with the id `baseline:` and its path. */
export const BASELINE: readonly BaselineGrant[] = Object.freeze([
  ...grants("read", SYSTEM),
  ...grants(
    "read",
    ETC.map((name) => `/etc/${name}`),
  ),
  ...grants("read", KERNEL),
  ...grants(
    "device",
    DEVICES.map((name) => `/dev/${name}`),
  ),
  ...grants("write", SCRATCH),
]);
