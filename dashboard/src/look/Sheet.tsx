import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./Button.tsx";

const shapes = {
  /** A short question in the middle. */
  question: "m-auto w-[min(26rem,calc(100vw-2rem))]",
  /** Work beside the page: full height at the inline end; on a phone the whole screen. */
  side: "my-0 ms-auto me-0 h-dvh max-h-none w-full max-w-none sm:w-[28rem]",
} as const;

/**
 * The browser's own dialog: it keeps the focus in, makes the rest inert, closes on Escape and gives the focus back.
 * The field or button marked data-first has the focus when it opens. No library: those write style elements into the page, which its policy forbids.
 */
export function Sheet({
  title,
  shape,
  onClose,
  children,
  foot,
}: {
  title: string;
  shape: keyof typeof shapes;
  onClose: () => void;
  children: ReactNode;
  foot: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opened = dialog.current;
    if (opened && !opened.open) {
      opened.showModal();
      // Where a keyboard would cover the screen, the title has the focus instead of a text field.
      const first = matchMedia("(pointer: coarse)").matches ? null : opened.querySelector<HTMLElement>("[data-first]");
      (first ?? opened.querySelector("h2"))?.focus({ preventScroll: true });
    }
    return () => opened?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
      className={`${shapes[shape]} overflow-hidden bg-paper p-0 text-ink shadow-float ${shape === "question" ? "rounded" : ""}`}
    >
      <div className={`flex flex-col ${shape === "side" ? "h-full" : "max-h-[calc(100dvh-4rem)]"}`}>
        <header className="flex items-center justify-between gap-4 px-5 pt-4 pb-2">
          <h2 id={id} tabIndex={-1} className="text-lead outline-none font-strong">
            {title}
          </h2>
          {shape === "side" && (
            <Button look="bare" onClick={onClose}>
              Close
            </Button>
          )}
        </header>
        <div className="min-h-0 grow overflow-y-auto px-5 py-2">{children}</div>
        <footer className="flex items-center gap-2 px-5 pt-3 pb-[max(1rem,env(safe-area-inset-bottom))]">{foot}</footer>
      </div>
    </dialog>
  );
}
