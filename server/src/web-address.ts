import { z } from "zod";

/** A host that is this machine. */
export const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** A URL of one of `schemes`, the insecure one on this machine only. Comes without a slash at the end. */
export function address(secure: string, insecure: string, example: string) {
  return z.string().transform((text, context) => {
    const url = URL.parse(text);
    const said = (message: string): typeof z.NEVER => {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    };
    if (url === null || (url.protocol !== `${secure}:` && url.protocol !== `${insecure}:`)) {
      return said(`is not an ${secure}:// address; give one such as ${example}`);
    }
    if (url.protocol === `${insecure}:` && !loopback.test(url.hostname)) {
      return said(`must begin with ${secure}:// (${insecure}:// is for this machine only)`);
    }
    if (url.username || url.password || url.hash) return said(`must not hold a user, a password or a #; give one such as ${example}`);
    return text.replace(/\/+$/, "");
  });
}

/**
 * May a credential go to this address, or a file be fetched from it? Only when the host is one of theirs, or
 * the one the operator configured, and in clear text only on this machine itself. `whose` ends the sentence "its host is neither". Returns
 * why not, or null when it may. Pure.
 */
export function refusalOf(address: string, configured: string, isTheirs: (url: URL) => boolean, whose: string): string | null {
  const url = URL.parse(address);
  if (url === null) return "it is not a URL";
  if (url.username !== "" || url.password !== "") return "it holds credentials";
  const own = URL.parse(configured);
  const isConfigured = own !== null && url.host === own.host && url.protocol === own.protocol;
  if (!isConfigured && !isTheirs(url)) return `its host is neither ${whose}`;
  if (url.protocol === "https:") return null;
  if (url.protocol === "http:" && loopback.test(url.hostname)) return null;
  return "it is not https";
}
