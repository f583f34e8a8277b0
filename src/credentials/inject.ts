/**
 * Putting secrets in the place of their placeholders, in what goes to a host. Pure.
 *
 * @module
 */
import type { HeaderLines } from "../egress/http/headers.ts";
import type { CredentialPlaces } from "../policy/core.ts";

/** What of a request is looked at: the path has its query. */
export interface SecretCarrier {
  readonly path: string;
  readonly headers: HeaderLines;
}

/** The same, with a value in every place where it may stand. Unchanged, it is the very same object. */
export function inject<C extends SecretCarrier>(
  carrier: C,
  placeholder: string,
  value: string,
  places: Required<CredentialPlaces>,
): C {
  const headers = carrier.headers.map(([name, text]): HeaderLines[number] => {
    return [name, injectHeader(name.toLowerCase(), text, placeholder, value, places)];
  });
  const path = injectQuery(carrier.path, placeholder, value, places.query);
  const isSame = path === carrier.path && headers.every(([, text], at) => text === carrier.headers[at]?.[1]);
  return isSame ? carrier : { ...carrier, path, headers };
}

function injectHeader(
  name: string,
  text: string,
  placeholder: string,
  value: string,
  { headers, basic }: Required<CredentialPlaces>,
): string {
  const replaced = headers.includes(name) ? text.replaceAll(placeholder, () => value) : text;
  if (!basic || name !== "authorization") return replaced;
  const login = readBasic(replaced);
  if (login === undefined || !login.includes(placeholder)) return replaced;
  return `Basic ${Buffer.from(login.replaceAll(placeholder, () => value)).toString("base64")}`;
}

function injectQuery(path: string, placeholder: string, value: string, names: readonly string[]): string {
  const mark = path.indexOf("?");
  if (mark < 0 || names.length === 0) return path;
  const parameters = path
    .slice(mark + 1)
    .split("&")
    .map((parameter) => {
      const equals = parameter.indexOf("=");
      if (equals < 0 || !names.includes(decode(parameter.slice(0, equals)))) return parameter;
      const text = decode(parameter.slice(equals + 1));
      if (!text.includes(placeholder)) return parameter;
      return `${parameter.slice(0, equals)}=${encodeURIComponent(text.replaceAll(placeholder, () => value))}`;
    });
  return `${path.slice(0, mark)}?${parameters.join("&")}`;
}

/** Where something that is in none of the places stands, in words; undefined where nothing does. */
export function findIn({ path, headers }: SecretCarrier, text: string): { place: string; found: string } | undefined {
  for (const found of [path, decode(path)]) {
    if (found.includes(text)) return { place: "the URL", found };
  }
  for (const [name, value] of headers) {
    const found = [`${name}: ${value}`, decode(value), readBasic(value) ?? ""].find((each) => each.includes(text));
    if (found !== undefined) return { place: `the header ${name.toLowerCase().slice(0, 64)}`, found };
  }
  return undefined;
}

/** User and password of HTTP Basic, as RFC 7617 writes them. */
function readBasic(value: string): string | undefined {
  const coded = /^Basic[ ]+([A-Za-z0-9+/=_-]+)[ ]*$/i.exec(value)?.[1];
  return coded === undefined ? undefined : Buffer.from(coded, "base64").toString();
}

/** What is malformed is left as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
