import { refusalOf } from "../../web-address.ts";

/** May our token be sent to this address? Only to Vonage's own hosts (vonage-voice §1.1), and the configured one. Returns why not. Pure. */
export const hostRefusal = (address: string, apiUrl: string): string | null =>
  refusalOf(address, apiUrl, isVonage, "Vonage's nor the one configured");

/** The suffixes are whole labels, and a host with another port is another host: somebody's own `evilvonage.com` or `vonage.com:8443` is not Vonage. */
export function isVonage(url: URL): boolean {
  return /(^|\.)(vonage|nexmo)\.com$/.test(url.hostname) && url.port === "";
}

/** Hosts of the regions a call can run in (vonage-voice §1.1). A call is known in its own only. */
export const vonageRegions: readonly string[] = ["us-3", "us-4", "eu-3", "eu-4", "ap-3", "ap-4"].map(
  (region) => `https://api-${region}.vonage.com`,
);
