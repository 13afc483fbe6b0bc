/** A browser's words for itself as people say it: `Firefox on Linux`; its first word where we know neither. */
export function browserSaid(program: string | null): string {
  if (program === null || program === "") return "An unnamed program";
  const browser = browsers.find(([mark]) => program.includes(mark))?.[1];
  const system = systems.find(([mark]) => program.includes(mark))?.[1];
  if (!browser) return program.split(/[\s/]/)[0] ?? program;
  return system ? `${browser} on ${system}` : browser;
}

/** The first that fits: others call themselves Chrome and Safari too. */
const browsers = [
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["SamsungBrowser", "Samsung Internet"],
  ["Firefox/", "Firefox"],
  ["FxiOS/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;
const systems = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["Mac OS X", "Mac"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;
