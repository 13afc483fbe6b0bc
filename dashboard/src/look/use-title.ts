import { useEffect } from "react";

/** The name of the page in the tab: what it shows first, then whose it is. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} · Earshot`;
  }, [name]);
}
