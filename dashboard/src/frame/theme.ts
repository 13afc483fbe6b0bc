/** The viewer's choices about the page itself, kept in this browser. public/theme.js reads them before the first paint. */
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
export type Direction = "ltr" | "rtl";

const listeners = new Set<() => void>();
const root = () => document.documentElement;

function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Storage is forbidden here: the choice lasts as long as the page.
  }
  for (const heard of listeners) heard();
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") delete root().dataset.theme;
  else root().dataset.theme = theme;
  keep("earshot.theme", theme === "system" ? null : theme);
}

export function chooseDirection(direction: Direction): void {
  root().dir = direction;
  keep("earshot.direction", direction === "rtl" ? "rtl" : null);
}

const subscribe = (heard: () => void) => {
  listeners.add(heard);
  return () => listeners.delete(heard);
};
export const useTheme = (): Theme => useSyncExternalStore(subscribe, () => (root().dataset.theme as Theme | undefined) ?? "system");
export const useDirection = (): Direction => useSyncExternalStore(subscribe, () => (root().dir === "rtl" ? "rtl" : "ltr"));
