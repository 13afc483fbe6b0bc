import type { ComponentProps } from "react";

const looks = {
  /** The one thing this screen is for. */
  main: "bg-ink text-paper border-ink hover:opacity-88 font-strong",
  /** Everything else. */
  plain: "bg-raised text-ink border-line hover:border-edge",
  /** Among other things, where a border would be noise. */
  bare: "border-transparent text-soft hover:text-ink hover:bg-sunk",
  /** What cannot be taken back. */
  grave: "bg-raised text-look border-line hover:border-look font-strong",
} as const;
export type ButtonLook = keyof typeof looks;

export const buttonClass = (look: ButtonLook): string =>
  `press inline-flex items-center justify-center gap-2 rounded border px-3 text-body whitespace-nowrap select-none transition-colors aria-disabled:opacity-55 disabled:opacity-55 ${looks[look]}`;

/** A button is a verb. While its deed is under way (`busy`) it keeps its width, its word and the focus, and does nothing more. */
export function Button({
  look = "plain",
  busy = false,
  className = "",
  onClick,
  ...rest
}: ComponentProps<"button"> & { look?: ButtonLook; busy?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      className={`${buttonClass(look)} ${className}`}
      aria-disabled={busy || undefined}
      onClick={(click) => (busy ? click.preventDefault() : onClick?.(click))}
    />
  );
}
