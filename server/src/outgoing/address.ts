import type { LookupAddress, LookupOptions } from "node:dns";
import { lookup } from "node:dns";
import { BlockList, isIP } from "node:net";

/** Networks nobody outside has an address in (RFC 6890 and successors): a listener there would be a way into ours. */
const notPublic4 = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  notPublic4.addSubnet(network, bits, "ipv4");
/** All that IPv6 has given out to the world is in 2000::/3 (RFC 4291, IANA); this is what is not public within it. */
const given6 = new BlockList();
given6.addSubnet("2000::", 3, "ipv6");
const notPublic6 = new BlockList();
for (const [network, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  notPublic6.addSubnet(network, bits, "ipv6");

/** Is this an address anybody on the internet could have? IPv4 in IPv6's clothes (mapped, compatible, NAT64, 6to4, Teredo) is none. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic4.check(address, "ipv4");
  // What is written with a zone (fe80::1%eth0) belongs to this machine's own networks.
  return family === 6 && !address.includes("%") && given6.check(address, "ipv6") && !notPublic6.check(address, "ipv6");
}

const isLoopback = (address: string): boolean => address === "::1" || (isIP(address) === 4 && address.startsWith("127."));

/** Why this URL is not told anything, before its host is looked up; null when it may be. `local`: addresses of this machine are allowed (a sandbox). */
export function urlRefusal(text: string, local: boolean): string | null {
  const url = URL.parse(text);
  if (url === null) return "it is not a URL";
  if (url.username !== "" || url.password !== "") return "it holds a name or a password";
  const host = url.hostname.replace(/^\[|\]$|\.$/g, "");
  const loopback = host === "localhost" || isLoopback(host);
  if (url.protocol === "http:" && local && loopback) return null;
  if (url.protocol !== "https:") return "it is not https";
  if (loopback && local) return null;
  if (isIP(host) !== 0 && !isPublic(host)) return "its address is not one of the public internet";
  if (host === "localhost" || /\.(local|localhost|internal|home\.arpa)$/i.test(host)) return "its host is not one of the public internet";
  return null;
}

/** For `lookup` of a request: the same answer that is checked is connected to, so a name that changes its mind in between gains nothing. */
export function publicLookup(local: boolean) {
  return (
    hostname: string,
    options: LookupOptions,
    done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
  ): void => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, "");
      const allowed = found.filter(({ address }) => isPublic(address) || (local && isLoopback(address)));
      const [first] = allowed;
      if (!first) return done(Object.assign(new Error(`${hostname} has no address on the public internet`), { code: "NOT_PUBLIC" }), "");
      if (options.all) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}
