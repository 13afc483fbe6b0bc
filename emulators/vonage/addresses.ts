import { isLoopback } from "../loopback.ts";
import type { Settings } from "./settings.ts";

/** An address to listen at as it stands in a URL. From every address of the machine, the one that reaches it from the machine itself. */
export function reachableAt(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (bare === "::") return "[::1]";
  return bare.includes(":") ? `[${bare}]` : host;
}

/** Does a Host header name this network? One that listens for the machine alone goes by the machine's names and its public URL only. */
export function namesUs({ host, publicUrl }: Pick<Settings, "host" | "publicUrl">, named: string | undefined): boolean {
  const forAll = host === "0.0.0.0" || host === "::" || !isLoopback(reachableAt(host));
  return forAll || isLoopback(named) || (publicUrl !== undefined && named === new URL(publicUrl).host);
}
