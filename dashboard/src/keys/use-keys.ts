import { useEffect, useRef } from "react";
import { type Deed, deedOf, type Focus } from "./table.ts";

/** What kind of thing has the focus. A slider of ours leaves its keys to the table. */
function focusOf(element: Element | null): Focus {
  if (!(element instanceof HTMLElement)) return "page";
  if (element instanceof HTMLSelectElement) return "choice";
  if (element instanceof HTMLInputElement)
    return /^(radio|range)$/.test(element.type) ? "choice" : element.type === "checkbox" ? "button" : "text";
  if (element instanceof HTMLTextAreaElement || element.isContentEditable) return "text";
  return element.closest("button, summary, a[href], [role=button]") ? "button" : "page";
}

/** Does `deeds` when their keys are pressed. Nothing while a dialog is open: its keys are its own. */
export function useKeys(deeds: Partial<Record<Deed, () => void>>): void {
  const current = useRef(deeds);
  current.current = deeds;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      const deed = deedOf(event, focusOf(document.activeElement));
      const act = deed && current.current[deed];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
