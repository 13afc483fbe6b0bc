const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * May something be fetched from this address? Files of audio reconstruction lie in Google's cloud storage (hume-evi §5.3); beside it only Hume's
 * own hosts and the one the operator configured, and in clear text only this machine itself. Returns why not, or null when it may. Pure.
 */
export function hostRefusal(address: string, apiUrl: string): string | null {
  const url = URL.parse(address);
  if (url === null) return "it is not a URL";
  if (url.username !== "" || url.password !== "") return "it holds credentials";
  const configured = URL.parse(apiUrl);
  const isConfigured = configured !== null && url.host === configured.host && url.protocol === configured.protocol;
  if (!isConfigured && !isVendors(url)) return "its host is neither Hume's nor where Hume keeps its files";
  if (url.protocol === "https:") return null;
  if (url.protocol === "http:" && loopback.test(url.hostname)) return null;
  return "it is not https";
}

/** Whole labels, and no other port: `evilhume.ai` and `hume.ai:8443` are somebody else's. */
function isVendors(url: URL): boolean {
  return url.port === "" && (/(^|\.)hume\.ai$/.test(url.hostname) || /(^|\.)storage\.googleapis\.com$/.test(url.hostname));
}
