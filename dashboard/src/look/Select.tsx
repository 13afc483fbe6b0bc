import type { ComponentProps } from "react";

/** `wide` holds the classes of its outer width. The browser's own choice, with a quiet arrow. Its options open as the system does it best, on a phone too. */
export function Select({ className = "", wide = "", ...rest }: ComponentProps<"select"> & { wide?: string }) {
  return (
    <span className={`relative inline-flex min-w-0 ${wide}`}>
      <select {...rest} className={`min-w-0 appearance-none truncate pe-7! ${className}`} />
      <svg
        viewBox="0 0 10 6"
        aria-hidden="true"
        fill="none"
        strokeWidth="1.5"
        className="pointer-events-none absolute end-2.5 top-1/2 w-2.5 -translate-y-1/2 stroke-current opacity-70"
      >
        <path d="m1 1 4 4 4-4" />
      </svg>
    </span>
  );
}
