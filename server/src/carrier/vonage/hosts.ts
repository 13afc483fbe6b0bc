const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * May our token be sent to this address? Only to Vonage's own hosts (vonage-voice §1.1) and to the one the operator configured, and in clear text
 * only to this machine itself. Returns why not, or null when it may. Pure.
 */
export function hostRefusal(address: string, apiUrl: string): string | null {
  const url = URL.parse(address);
  if (url === null) return "it is not a URL";
  if (url.username !== "" || url.password !== "") return "it holds credentials";
  const configured = URL.parse(apiUrl);
  const isConfigured = configured !== null && url.host === configured.host && url.protocol === configured.protocol;
  if (!isConfigured && !isVonage(url)) return "its host is neither Vonage's nor the one configured";
  if (url.protocol === "https:") return null;
  if (url.protocol === "http:" && loopback.test(url.hostname)) return null;
  return "it is not https";
}

/** The suffixes are whole labels, and a host with another port is another host: somebody's own `evilvonage.com` or `vonage.com:8443` is not Vonage. */
export function isVonage(url: URL): boolean {
  return /(^|\.)(vonage|nexmo)\.com$/.test(url.hostname) && url.port === "";
}

/** Hosts of the regions a call can run in (vonage-voice §1.1). A call is known in its own only. */
export const vonageRegions: readonly string[] = ["us-3", "us-4", "eu-3", "eu-4", "ap-3", "ap-4"].map(
  (region) => `https://api-${region}.vonage.com`,
);
