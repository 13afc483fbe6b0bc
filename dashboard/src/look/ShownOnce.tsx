import { type ReactNode, useState } from "react";
import { Button } from "./Button.tsx";

/** A secret at the only time it can be seen, and the way to copy it. */
export function ShownOnce({
  title,
  secret,
  children,
  onDone,
}: {
  title: ReactNode;
  secret: string;
  children?: ReactNode;
  onDone?: () => void;
}) {
  const [copied, setCopied] = useState(false);
  return (
    <div role="status" className="w-full max-w-3xl rounded border border-edge bg-raised px-4 py-3">
      <p className="font-strong">{title}</p>
      <p className="flex flex-wrap items-center gap-3 pt-2">
        <code dir="ltr" className="min-w-0 font-mono break-all select-all">
          {secret}
        </code>
        <Button onClick={() => void navigator.clipboard.writeText(secret).then(() => setCopied(true))}>{copied ? "Copied" : "Copy"}</Button>
        {onDone && (
          <Button look="bare" onClick={onDone}>
            Done
          </Button>
        )}
      </p>
      {children && <div className="pt-2 text-small text-soft">{children}</div>}
    </div>
  );
}
