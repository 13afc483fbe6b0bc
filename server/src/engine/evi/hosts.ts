import { refusalOf } from "../../web-address.ts";

/**
 * May something be fetched from this address? Files of audio reconstruction lie in Google's cloud storage (hume-evi §5.3); beside it only Hume's
 * own hosts and the configured one. Returns why not. Pure.
 */
export const hostRefusal = (address: string, apiUrl: string): string | null =>
  refusalOf(address, apiUrl, isVendors, "Hume's nor where Hume keeps its files");

/** Whole labels, and no other port: `evilhume.ai` and `hume.ai:8443` are somebody else's. */
function isVendors(url: URL): boolean {
  return url.port === "" && (/(^|\.)hume\.ai$/.test(url.hostname) || /(^|\.)storage\.googleapis\.com$/.test(url.hostname));
}
