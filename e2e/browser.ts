import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** No background traffic of its own. */
const chromiumFlags = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
] as const;

/** How long a fact on a page is waited for: it comes in a moment, and takes a machine with three such browsers to start as many seconds. */
export const PATIENCE_MS = 60_000;

/** Debian's Chromium, headless. */
export const openBrowser = (...more: readonly string[]): Promise<Browser> =>
  chromium.launch({ executablePath: "/usr/bin/chromium", args: [...chromiumFlags, ...more], timeout: PATIENCE_MS });

/** A page that remembers what went wrong in it: errors on the console, and requests to anywhere but `origin`. */
export async function openPage(context: BrowserContext, origin: string): Promise<{ page: Page; wrong: string[] }> {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(`thrown: ${error.message}`));
  page.on("console", (message) => {
    // A refused request is told on the console by the browser itself; the page shows it to the person.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) wrong.push(message.text());
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== origin) wrong.push(`asked ${url.origin}`);
  });
  return { page, wrong };
}
